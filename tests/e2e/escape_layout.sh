#!/bin/bash
# One layout of the escape ABI for 32-bit and 64-bit callers, and the driver core in the compilers of a Windows
# driver: what this machine's compiler says of every structure and field of vgt_escape.h must hold with
# mingw-w64 for both, there is no padding, and driver/core compiles without a warning.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

compilers="x86_64-w64-mingw32-gcc i686-w64-mingw32-gcc"
for compiler in $compilers; do
	command -v "$compiler" >/dev/null || skip "$compiler is missing"
done
header=guest-icd/escape/vgt_escape.h

# fields HEADER: "STRUCTURE FIELD" for each field, and "STRUCTURE" for each structure
fields() {
	sed -e 's|/\*.*\*/||' -e '/\/\*/,/\*\//d' "$1" | awk '
		/^struct [a-z0-9_]+ \{/ { name = $2; print name; next }
		/^\}/ { name = "" }
		name && /;/ {
			sub(/;.*/, "")
			sub(/^[ \t]*(struct )?[a-z0-9_]+ /, "")
			count = split($0, list, /, */)
			for (i = 1; i <= count; i++) {
				sub(/\[.*/, "", list[i])
				gsub(/[* \t]/, "", list[i])
				print name, list[i]
			}
		}'
}

# assertions HEADER: a file that compiles where the layout is this compiler's
assertions() {
	fields "$1" >"$TMP/fields"
	{
		printf '#include <stddef.h>\n#include <stdio.h>\n#include "%s"\nint main(void) {\n' "$(realpath "$1")"
		while read -r name field; do
			if [ "$field" ]; then
				printf 'printf("_Static_assert(offsetof(struct %s, %s) == %%zu && "\n' "$name" "$field"
				printf '"sizeof(((struct %s *)0)->%s) == %%zu, \\"%s.%s\\");\\n",\n' "$name" "$field" "$name" \
					"$field"
				printf 'offsetof(struct %s, %s), sizeof(((struct %s *)0)->%s));\n' "$name" "$field" "$name" \
					"$field"
			else
				printf 'printf("_Static_assert(sizeof(struct %s) == %%zu, \\"%s\\");\\n", ' "$name" "$name"
				printf 'sizeof(struct %s));\n' "$name"
			fi
		done <"$TMP/fields"
		printf '}\n'
	} >"$TMP/print.c"
	"${CC:-cc}" -std=c11 -Wall -o "$TMP/print" "$TMP/print.c"
	printf '#include <stddef.h>\n#include "%s"\n' "$(realpath "$1")"
	"$TMP/print"
}

assertions $header >"$TMP/layout.c"
structures=$(grep -c '^struct [a-z0-9_]* {' $header)
expect_equal structures "$structures" "$(grep -c 'assert(sizeof(struct [a-z0-9_]*) ==' "$TMP/layout.c")"
[ "$(grep -c offsetof "$TMP/layout.c")" -ge 100 ] || fail "at least 100 fields" cat "$TMP/layout.c"
for compiler in $compilers; do
	expect_exit 0 "$compiler" -std=c11 -Wpadded -Werror -fsyntax-only "$TMP/layout.c"
done
expect_exit 0 "${CC:-cc}" -std=c11 -Wpadded -Werror -fsyntax-only "$TMP/layout.c"

# every structure a multiple of 8 bytes
expect_equal "structures of an odd size" "" \
	"$(sed -n 's/.*assert(sizeof(struct \([a-z0-9_]*\)) == \([0-9]*\),.*/\2 \1/p' "$TMP/layout.c" | awk '$1 % 8')"

# The control: a pointer in a structure, and padding, are found.
mkdir "$TMP/bad"
sed 's|^\tuint64_t address; |\tvoid *address; |' $header >"$TMP/bad/pointer.h"
! cmp -s $header "$TMP/bad/pointer.h" || fail "a changed header" cat "$TMP/bad/pointer.h"
assertions "$TMP/bad/pointer.h" >"$TMP/bad/pointer.c"
expect_exit 0 x86_64-w64-mingw32-gcc -std=c11 -fsyntax-only "$TMP/bad/pointer.c"
expect_exit 1 i686-w64-mingw32-gcc -std=c11 -fsyntax-only "$TMP/bad/pointer.c"
expect_stderr_match 'vgt_escape_resource_map.address' \
	i686-w64-mingw32-gcc -std=c11 -fsyntax-only "$TMP/bad/pointer.c"
sed 's|^\tuint32_t reserved;$||' $header >"$TMP/bad/padding.h"
expect_exit 1 x86_64-w64-mingw32-gcc -std=c11 -Wpadded -Werror -fsyntax-only -x c "$TMP/bad/padding.h"

# driver/core as a driver for Windows is compiled
flags="-std=c11 -O2 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wundef -Werror -Werror=vla
	-ffreestanding -mgeneral-regs-only -Wframe-larger-than=1024 -Iformat -Iguest-icd/escape -Iguest-icd/driver/core"
for compiler in $compilers; do
	for source in guest-icd/driver/core/*.c; do
		# shellcheck disable=SC2086
		expect_exit 0 $compiler $flags -c -o "$TMP/core.o" "$source"
	done
done
