#!/bin/bash
# The driver core can live in a kernel: it needs memcpy and memset and nothing else, uses no floating point, does not
# recurse, and its deepest chain of calls takes less than 4 KiB of stack (x86-64, the optimisation of the build).
# What it calls through a pointer is the platform's, whose stack is not counted, or in this list.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"

STACK_MAX=4096

# Calls through pointers within the core: how the call looks in its source, and what it may call; of an object what
# its tables have. Every such call and every function whose address is taken must be here.
CALLS_WITHIN='done.function | destroyed fence_done
entry->function | dispatch.o'

# compile DIRECTORY SOURCE FLAG...: with gcc's graph of calls and stack sizes in DIRECTORY
compile() {
	local directory=$1 source=$2

	shift 2
	gcc -std=c11 -O2 -fPIC -ffreestanding -mno-red-zone -ffunction-sections -fcallgraph-info=su "$@" -c "$source" \
		-o "$directory/$(basename "$source" .c).o"
}

# What the objects need of others, beside memcpy and memset.
check_undefined() {
	nm "$1"/*.o | awk '
		$1 == "U" { needed[$2] = 1 }
		NF == 3 { there[$3] = 1 }
		END {
			delete needed["memcpy"]; delete needed["memset"]; delete needed["_GLOBAL_OFFSET_TABLE_"]
			for (name in needed)
				if (!(name in there)) { print "undefined: " name; bad = 1 }
			exit bad
		}'
}

check_floating_point() {
	! objdump -d --no-show-raw-insn "$1"/*.o | grep -E '%(mm|[xyz]mm)[0-9]|%st\b|\bf(ld|st|add|mul|div|init)'
}

# Functions whose address is taken, a line each: NAME OBJECT, or NAME * where an instruction takes it.
addresses_taken() {
	local object

	for object in "$1"/*.o; do
		nm "$object" | awk '$2 == "t" || $2 == "T" { print $3 }'
	done | sort -u >"$TMP/functions"
	for object in "$1"/*.o; do
		objdump -dr --no-show-raw-insn "$object" | awk '
			/R_X86_64_[A-Z0-9_]*GOTPC/ || (lea && /R_X86_64_PC32/) { print $3, "*" }
			{ lea = /\tlea / }'
		objdump -r "$object" | awk -v object="$(basename "$object")" '
			/^RELOCATION RECORDS/ { code = /\[\.(text|debug|eh_frame)/ }
			!code && $2 == "R_X86_64_64" { print $3, object }'
	done | sed -E 's/^(\.text\.)?([A-Za-z_][A-Za-z0-9_.]*)[^ ]* /\2 /' | sort -u |
		join - "$TMP/functions"
}

# The deepest chain of calls, from gcc's graphs; fails where it is too deep, has a circle in it or cannot be known.
check_stack() {
	addresses_taken "$1" >"$TMP/addresses"
	echo "$2" >"$TMP/within"
	awk -v max=$STACK_MAX -v within="$TMP/within" -v addresses="$TMP/addresses" '
	function complain(text) { print text; bad = 1 }
	function short(node) { sub(/^.*:/, "", node); return node }
	# a call through a pointer, at FILE:LINE:COLUMN
	function call_within(caller, at,    place, line, i, n) {
		split(at, place, ":")
		for (n = 1; (getline line < place[1]) > 0; n++)
			if (n == place[2]) break
		close(place[1])
		if (line ~ /platform->[a-z_]+\(/) return
		for (i = 1; i <= rows; i++)
			if (index(line, looks[i])) { edges[caller] = edges[caller] targets[i]; return }
		complain("nobody says what is called at " at ": " line)
	}
	# bytes below and with the node
	function depth(node,    list, n, i, best) {
		if (node in done) return done[node]
		if (node in open) { complain("recursion: " short(node)); return 0 }
		open[node] = 1
		n = split(edges[node], list, "\n")
		for (i = 1; i <= n; i++) {
			if (list[i] == "") continue
			if (depth(list[i]) > best) { best = depth(list[i]); deepest[node] = list[i] }
		}
		delete open[node]
		return done[node] = bytes[node] + best
	}
	BEGIN {
		while ((getline line < within) > 0) {
			if (split(line, halves, / *\| */) < 2) continue
			looks[++rows] = halves[1]
			n = split(halves[2], names, " ")
			for (i = 1; i <= n; i++) { called[names[i]] = 1; row[names[i]] = row[names[i]] " " rows }
		}
		while ((getline line < addresses) > 0) {
			split(line, names, " ")
			if (names[2] in called) { taken[names[2]] = 1; row[names[1]] = row[names[1]] row[names[2]] }
			else if (!(names[1] in called))
				complain("the address of " names[1] " is taken, and nobody says who calls it")
		}
	}
	/^node: / && match($0, /[0-9]+ bytes \([a-z,]*\)/) {
		split($0, part, "\"")
		found = substr($0, RSTART, RLENGTH)
		bytes[part[2]] = found + 0
		if (found ~ /\(dynamic\)/) complain("stack without bound: " part[2])
		name = short(part[2])
		n = split(row[name], list, " ")
		for (i = 1; i <= n; i++) targets[list[i]] = targets[list[i]] part[2] "\n"
		seen[name] = 1
	}
	/^edge: / {
		split($0, part, "\"")
		from[++calls] = part[2]; to[calls] = part[4]; at[calls] = part[6]
	}
	END {
		for (name in called)
			if (!(name in seen) && !(name in taken)) complain("there is no " name " to be called")
		for (i = 1; i <= calls; i++) {
			if (to[i] == "__indirect_call") call_within(from[i], at[i])
			else edges[from[i]] = edges[from[i]] to[i] "\n"
		}
		for (node in bytes)
			if (depth(node) > most) { most = depth(node); top = node }
		printf "%d functions, deepest: %d bytes", length(bytes), most
		for (node = top; node != ""; node = deepest[node]) printf " %s(%d)", short(node), bytes[node]
		print ""
		if (most >= max) complain("more than " max - 1 " bytes of stack")
		if (!length(bytes)) complain("no graph of calls")
		exit bad
	}' "$1"/*.ci
}

gcc --version >/dev/null 2>&1 || skip "gcc is missing"

mkdir "$TMP/core"
for source in guest-icd/driver/core/*.c; do
	compile "$TMP/core" "$source" -mgeneral-regs-only -Iformat -Iguest-icd/escape -Iguest-icd/driver/core
done
expect_exit 0 check_undefined "$TMP/core"
expect_exit 0 check_floating_point "$TMP/core"
expect_exit 0 check_stack "$TMP/core" "$CALLS_WITHIN"
sed "s/^/cli\/guest_core: /" "$TMP/.stdout"

# Each check finds what it looks for.
# finds TEXT CHECK...: in the C on standard input
finds() {
	local text=$1

	shift
	rm -rf "$TMP/control"
	mkdir "$TMP/control"
	cat >"$TMP/control/control.c"
	compile "$TMP/control" "$TMP/control/control.c"
	expect_exit 1 "$@"
	expect_stdout_match "$text" "$@"
}
control="$TMP/control"
finds '^undefined: malloc$' check_undefined "$control" <<<'
	void *malloc(unsigned long);
	void *f(void) { return malloc(3); }'
finds 'mulsd' check_floating_point "$control" <<<'
	double f(double a, double b) { return a * b; }'
finds '^recursion: [fg]$' check_stack "$control" '' <<<'
	int f(int n);
	__attribute__((noinline)) int g(int n) { return n ? 3 * f(n - 1) + 1 : 0; }
	int f(int n) { return n ? 5 * g(n - 1) + 1 : 0; }'
finds '^more than 4095 bytes' check_stack "$control" '' <<<'
	__attribute__((noinline)) int g(int n) { volatile char a[2000]; a[n] = 1; return a[n / 2]; }
	int f(int n) { volatile char a[2100]; a[n] = 1; return a[n / 2] + g(n); }'
finds '^stack without bound: f$' check_stack "$control" '' <<<'
	int f(int n) { volatile char a[n]; a[n / 2] = 1; return a[n / 3]; }'
finds '^nobody says what is called at .*control.c:2:' check_stack "$control" '' <<<'
	int f(int (*call)(int)) { return call(1) + 1; }'
finds '^the address of g is taken' check_stack "$control" '' <<<'
	static int g(int n) { return n + 1; }
	int (*f(void))(int) { return g; }'
finds '^the address of h is taken' check_stack "$control" '' <<<'
	static int h(int n) { return n + 1; }
	extern int (*const table[])(int);
	int (*const table[])(int) = {h};'
finds '^the address of g is taken' check_stack "$control" '' <<<'
	int g(int n) { return n + 1; }
	int (*f(void))(int) { return g; }'
# so it does through pointers, of which it knows only by the list
finds '^recursion: ' check_stack "$control" 'done.function | fence_done' <<<'
	struct { int (*function)(int); } extern done;
	int f(int n) { return done.function(n) + 1; }
	static int fence_done(int n) { return f(n) * 3; }
	void g(void) { done.function = fence_done; }'
finds '^recursion: ' check_stack "$control" 'entry->function | control.o' <<<'
	struct { int (*function)(int); } *entry;
	int f(int n) { return entry->function(n) + 1; }
	static int g(int n) { return f(n) * 3; }
	int (*const table[])(int) = {g};'
finds '^there is no gone to be called' check_stack "$control" 'done.function | gone' <<<'
	int f(void) { return 1; }'
