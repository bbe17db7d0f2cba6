#!/bin/bash
# SPDX-License-Identifier: MIT
# make deb: the same package when it is made again, with all that is installed, which works where it was unpacked and
# is removed without a rest. lintian's complaints are those that are known.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/../cli/lib.sh"
unset MAKEFLAGS MAKELEVEL
command -v dpkg-deb lintian >/dev/null || skip "no dpkg-dev or lintian"

expect_exit 0 make deb
package=$(tail -n 1 "$TMP/.stdout")
multiarch=$(dpkg-architecture -qDEB_HOST_MULTIARCH)
cp "$package" "$TMP/first.deb"
expect_exit 0 make deb
expect_exit 0 cmp "$TMP/first.deb" "$package"

# What is known: there is no mail address, and library and headers are in the one package.
lintian --allow-root --no-cfg "$package" 2>/dev/null | sed -n 's/^[EW]: vgt: \([^ ]*\).*/\1/p' | sort -u >"$TMP/tags"
expect_stdout 'bogus-mail-host
bogus-mail-host-in-debian-changelog
link-to-shared-library-in-wrong-package
package-name-doesnt-match-sonames' cat "$TMP/tags"

# All that make install installs, but what is for make uninstall and what has another name here.
expect_exit 0 make -s install DESTDIR="$TMP/plain" PREFIX=/usr LIBDIR="/usr/lib/$multiarch" BUILD=build/deb
(cd "$TMP/plain" && find . ! -type d) | grep -v -e /made-directories -e /doc/vgt/LICENSE |
	sed 's|\(/man/.*\)|\1.gz|' | cat - <(printf './usr/share/doc/vgt/%s\n' changelog.gz copyright) | sort >"$TMP/wanted"
dpkg-deb --fsys-tarfile "$package" | tar t | grep -v '/$' | sort >"$TMP/packed"
expect_stdout '' diff "$TMP/wanted" "$TMP/packed"
expect_stdout_match 'virglrenderer1 .*libegl1' dpkg-deb -f "$package" Depends
expect_stdout_match '^libsdl2-2.0-0 .*, libgl1-mesa-dri' dpkg-deb -f "$package" Recommends

# It asks for all that a message of vgt's may send one for, but for what others of these ask for themselves.
dpkg-deb -f "$package" Depends Recommends Suggests | sed 's/^[A-Z][a-z]*://; s/([^)]*)//g' | tr -d ' ' | tr ',' '\n' |
	sort >"$TMP/asked"
sed -n 's/^#define DEBIAN_[A-Z0-9_]* *"\(.*\)"$/\1/p' replay/debian_packages.h | sort >"$TMP/named"
expect_stdout_match '^libvirglrenderer1$' cat "$TMP/named"
expect_stdout libegl-mesa0 comm -13 "$TMP/asked" "$TMP/named" # libegl1 does

# dpkg in a root of its own, without its scripts' privileges.
root=$TMP/root
mkdir -p "$root/var/lib/dpkg/"{updates,info}
touch "$root/var/lib/dpkg/"{status,available}
dpkg_here() {
	dpkg --root="$root" --force-not-root --force-depends --log="$TMP/dpkg.log" "$@"
}
expect_exit 0 dpkg_here --install "$package"
expect_stdout_match '^Status: install ok installed' dpkg_here --status vgt
vgt=$root/usr/bin/vgt
expect_stdout_match '^  replay ' "$vgt" help
expect_exit 0 "$vgt" info traces/gears.vgt
export LIBGL_ALWAYS_SOFTWARE=1
expect_exit 0 "$vgt" replay --quiet --frames 0 traces/gears.vgt
mv "$root/usr/lib/$multiarch/vgt/vgt-player" "$TMP"
expect_stderr_match "vgt-player not found in .*/lib/$multiarch/vgt" \
	"$vgt" replay traces/gears.vgt
mv "$TMP/vgt-player" "$root/usr/lib/$multiarch/vgt"
expect_stdout '' find "$root" -name '*build*' -o -name '*.o'
expect_stdout '' sh -c "dpkg-deb --fsys-tarfile '$package' | tar xO | grep -a -o -m 1 -F '$PWD'"
(cd "$root" && md5sum --quiet -c var/lib/dpkg/info/vgt.md5sums)
expect_exit 0 dpkg_here --purge vgt
expect_stdout '' find "$root" -path "$root/var/lib/dpkg" -prune -o ! -type d -print
expect_stdout '' find "$root" -name '*vgt*'
