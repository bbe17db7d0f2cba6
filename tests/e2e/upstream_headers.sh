#!/bin/bash
# Our tables against upstream's headers, each version by itself: what a compiler says about virgl_protocol.h,
# virgl_hw.h and Gallium's p_defines.h is compared with what our walker finds (tests/upstream_headers.c).
#
# The headers come out of Debian's source packages and stay in ~/.cache/vgt; nothing of them is in this tree.
# VGT_UPSTREAM_HEADERS="DIRECTORY..." compares the headers in these directories too.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"

CHECK=$(realpath build/tests/upstream_headers)

# package, suite, files; an archive may lack those with a `?`, for Mesa has the same headers
virtio=src/virtio/virtio-gpu
pipe=src/gallium/include/pipe
query=src/gallium/drivers/virgl/virgl_query.c
sources="mesa bookworm $virtio/virgl_protocol.h $virtio/virgl_hw.h $query $pipe/p_defines.h $pipe/p_video_enums.h
mesa trixie $virtio/virgl_protocol.h $virtio/virgl_hw.h $query
virglrenderer? bookworm src/virgl_protocol.h src/virgl_hw.h
virglrenderer? trixie src/virgl_protocol.h src/virgl_hw.h"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgt/headers-$(sha256sum <<<"$sources" | cut -c 1-16)

# apt with indices and sources of its own, of the archive that this machine uses
set_up_apt() {
	local uri suite keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	command -v apt-get >/dev/null || skip "apt-get is missing, and $cache has no headers"
	# shellcheck disable=SC2016
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' \
		2>/dev/null | head -n 1)
	mkdir -p "$TMP/apt/lists/partial" "$TMP/apt/cache/archives/partial"
	for suite in bookworm trixie; do
		echo "deb-src [signed-by=$keyring] ${uri:-https://deb.debian.org/debian} $suite main"
	done >"$TMP/apt/sources.list"
	cat >"$TMP/apt/apt.conf" <<-EOF
		Dir::Etc::SourceList "$TMP/apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$TMP/apt/lists";
		Dir::Cache "$TMP/apt/cache";
		APT::Sandbox::User "root";
		Acquire::Retries "2";
	EOF
	APT_CONFIG=$TMP/apt/apt.conf timeout 300 apt-get -qq update >"$TMP/apt/log" 2>&1 ||
		skip "no source packages: $(tail -n 1 "$TMP/apt/log")"
	# unreachable is a warning to apt-get
	compgen -G "$TMP/apt/lists/*Sources*" >/dev/null ||
		skip "no source packages: $(head -n 1 "$TMP/apt/log")"
}

# fetch PACKAGE SUITE DIRECTORY FILE...: false where the archive does not have it
fetch() {
	local package=$1 suite=$2 directory=$3 archive file

	shift 3
	rm -rf "$TMP/fetched" "$TMP/headers"
	mkdir -p "$TMP/fetched" "$TMP/headers" "$cache"
	(cd "$TMP/fetched" && APT_CONFIG=$TMP/apt/apt.conf timeout 600 apt-get -qq source \
		--download-only --tar-only "$package/$suite") >"$TMP/apt/log" 2>&1 || return
	archive=$(echo "$TMP"/fetched/*.orig.tar.*)
	tar -C "$TMP/fetched" -xf "$archive" --strip-components=1 --wildcards "${@/#/*/}" || return
	for file in "$@"; do
		mv "$TMP/fetched/$file" "$TMP/headers" || return
	done
	basename "$archive" >"$TMP/headers/version"
	mv "$TMP/headers" "$directory"
}

# Fills the cache; what an archive lacks it lacks until the cache is removed.
get_headers() {
	local package suite files directory

	while read -r package suite files; do
		directory=$cache/${package%\?}-$suite
		[ -e "$directory" ] || [ -e "$directory.lacking" ] || {
			[ -e "$TMP/apt" ] || set_up_apt
			# shellcheck disable=SC2086
			if ! fetch "${package%\?}" "$suite" "$directory" $files; then
				[ "$package" != "${package%\?}" ] ||
					skip "no source of $package: $(tail -n 1 "$TMP/apt/log")"
				touch "$directory.lacking"
			fi
		}
	done <<<"$sources"
}

# write_dump DIRECTORY: a C program that prints the list which upstream_headers reads
write_dump() {
	local header
	mkdir -p "$TMP/stub/compiler"
	: >"$TMP/stub/p_compiler.h"
	: >"$TMP/stub/compiler/shader_enums.h"
	echo '#include <stdbool.h>'
	echo '#include <stddef.h>'
	echo '#include <stdint.h>'
	echo '#include <stdio.h>'
	echo '#include <string.h>'
	for header in virgl_hw.h virgl_protocol.h p_defines.h p_video_enums.h; do
		[ ! -e "$1/$header" ] || echo "#include \"$header\""
	done
	cat <<-'EOF'
		#define U(x) (unsigned long)(uint32_t)(x)
		#define NUMBER(kind, name) printf(kind " " #name " %lu\n", U(name));
		#define MACRO(name) printf("macro " #name " 0 %lu %lu %lu %lu\n", \
			U(name), U(name), U(name), U(name));
		#define MACRO1(name) printf("macro " #name " 1 %lu %lu %lu %lu\n", \
			U(name(0u)), U(name(1u)), U(name(2u)), U(name(0xffffffffu)));
		#define MACROS(name) printf("macro " #name " 2 0 0 0 0\n");
		#define STRUCT(type) printf("struct " #type " %zu\n", sizeof(struct type));
		#define MEMBER(type, name) printf("member " #type " " #name " %zu %zu\n", \
			offsetof(struct type, name), sizeof(((struct type *)0)->name));
		#define BITS(type, name) { \
			union { struct type s; uint32_t u[8]; } bits; \
			memset(&bits, 0, sizeof(bits)); \
			bits.s.name = ~0u; \
			for (int i = 0; i < 8; i++) \
				if (bits.u[i]) printf("bit " #type " " #name " %d %lu\n", i, U(bits.u[i])); \
		}
		int main(void) {
	EOF
	for header in virgl_hw.h virgl_protocol.h virgl_query.c p_defines.h p_video_enums.h; do
		[ ! -e "$1/$header" ] || awk -v header="$header" "$awk_dump" "$1/$header"
	done
	echo '}'
}
# shellcheck disable=SC2016
awk_dump='
	{ gsub(/\/\*[^*]*\*\//, ""); sub(/\/\/.*/, "") }
	header == "virgl_query.c" {
		if (/^#define VIRGL_QUERY_/) print "printf(\"pipe " $2 " " $3 "\\n\");"
		next
	}
	/^ *#define +(VIRGL|PIPE)_[A-Za-z0-9_]+\([a-z_]+\)/ {
		sub(/\(.*/, "", $2)
		print "MACRO1(" $2 ")"; next
	}
	/^ *#define +VIRGL_[A-Za-z0-9_]+\(/ { sub(/\(.*/, "", $2); print "MACROS(" $2 ")"; next }
	/^ *#define +(VIRGL|PIPE)_[A-Za-z0-9_]+ +[^ ]/ {
		if (header == "virgl_protocol.h") print "MACRO(" $2 ")"
		else print "NUMBER(\"" (header == "virgl_hw.h" ? "hw" : "pipe") "\", " $2 ")"
		next
	}
	/^ *enum *([a-z_]+)? *{?$/ { in_enum = 1 }
	/^ *struct virgl_[a-z0-9_]+ *{?$/ { in_struct = $2; print "STRUCT(" $2 ")" }
	/}/ { in_enum = 0; in_struct = "" }
	in_enum && match($0, /^ *[A-Za-z][A-Za-z0-9_]*/) {
		names = split($0, part, /,/)
		for (i = 1; i <= names; i++) {
			name = part[i]; sub(/=.*/, "", name); gsub(/[ \t]/, "", name)
			kind = ""
			if (name ~ /^VIRGL_FORMAT_MAX$/) in_enum = 0
			else if (name ~ /^VIRGL_CCMD_/) kind = "ccmd"
			else if (name ~ /^VIRGL_OBJECT_/) kind = "object"
			else if (name ~ /^VIRGL_FORMAT_/) kind = "format"
			else if (name ~ /^virgl_tweak_/ && name !~ /undefined/) kind = "tweak"
			else if (name ~ /^VIRGL_SHADER_/) kind = "stage"
			else if (name ~ /^PIPE_/ && name !~ /ENDIAN/) kind = "pipe"
			if (kind != "") print "NUMBER(\"" kind "\", " name ")"
		}
	}
	in_struct ~ /virgl_caps_v[12]|virgl_caps_bool_set1|virgl_video_caps/ && /;/ {
		members = split($0, part, /;/)
		for (i = 1; i < members; i++) {
			name = part[i]; bits = name ~ /:/
			sub(/[:[].*/, "", name); sub(/ *$/, "", name); sub(/.* /, "", name)
			print (bits ? "BITS(" : "MEMBER(") in_struct ", " name ")"
		}
	}
'

# check_headers DIRECTORY: exit status 1 where something differs
check_headers() {
	write_dump "$1" >"$TMP/dump.c" &&
		"${CC:-cc}" -w -I "$1" -I "$TMP/stub" -o "$TMP/dump" "$TMP/dump.c" || return 2
	"$TMP/dump" >"$TMP/list" || return 2
	"$CHECK" <"$TMP/list"
}

# control HEADER COMMAND NAME: with one thing changed in a header, the check must fail, and name it
control() {
	rm -rf "$TMP/control"
	cp -r "$cache/mesa-trixie" "$TMP/control"
	sed -i "$2" "$TMP/control/$1"
	expect_exit 1 cmp -s "$cache/mesa-trixie/$1" "$TMP/control/$1"
	expect_exit 1 check_headers "$TMP/control"
	grep -q "^$3: " "$TMP/.stdout" || fail "$3 in what differs" check_headers "$TMP/control"
}

get_headers
for directory in "$cache"/*-* ${VGT_UPSTREAM_HEADERS:-}; do
	case $directory in
	*.lacking)
		echo "$(basename "$directory" .lacking): the archive does not have it (kept in $cache)"
		continue
		;;
	esac
	expect_exit 0 check_headers "$directory"
	# what each kind of line has to show
	for kind in ccmd object format tweak macro hw struct member bit; do
		expect_exit 0 grep -q "^$kind " "$TMP/list"
	done
	echo "$directory: $("$CHECK" <"$TMP/list")"
done
expect_exit 0 check_headers "$cache/mesa-bookworm"
expect_exit 0 grep -q '^pipe PIPE_BLENDFACTOR_' "$TMP/list"

control virgl_protocol.h 's/\(VIRGL_DRAW_VBO_MODE\) 3/\1 4/' VIRGL_DRAW_VBO_MODE
control virgl_protocol.h 's/VIRGL_CCMD_CLEAR,/VIRGL_CCMD_NEW, &/' VIRGL_CCMD_DRAW_VBO
control virgl_protocol.h 's/VIRGL_OBJECT_DSA,/VIRGL_OBJECT_NEW, &/' VIRGL_OBJECT_SHADER
control virgl_protocol.h 's/\(S2_RT_RGB_FUNC(x) (((x) & 0x7) <<\) 1/\1 2/' VIRGL_OBJ_BLEND_S2_RT_RGB_FUNC
control virgl_protocol.h 's/\(VIRGL_CMD_BLIT_SIZE\) 21/\1 22/' VIRGL_CMD_BLIT_SIZE
control virgl_protocol.h 's/\(STATE_SCALE_1(x) (3 + (x \*\) 6/\1 5/' VIRGL_SET_VIEWPORT_STATE_SCALE_1
control virgl_protocol.h "\$s/^/#define VIRGL_DRAW_VBO_NEW 21\\n/" VIRGL_DRAW_VBO_NEW
control virgl_protocol.h "\$s/^/#define VIRGL_SOMETHING_NEW 1\\n/" VIRGL_SOMETHING_NEW
control virgl_hw.h 's/\(VIRGL_FORMAT_R8_UNORM  *=\) 64/\1 65/' VIRGL_FORMAT_R8_UNORM
control virgl_hw.h 's/\(VIRGL_CAP_TXQS  *(1u* <<\) 5/\1 6/' VIRGL_CAP_TXQS
control virgl_hw.h 's/uint32_t max_samples;/uint32_t something_new; &/' virgl_caps_v1.something_new
control virgl_hw.h 's/unsigned ubo:1;/unsigned something_new:1; &/' virgl_caps_bool_set1.ubo
control virgl_hw.h 's/uint32_t max_height:16;/uint32_t max_height:8;/' virgl_video_caps.max_height
control virgl_query.c 's/\(VIRGL_QUERY_TIMESTAMP  *\) 2/\1 3/' VIRGL_QUERY_TIMESTAMP
