# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# To be sourced by scripts that build what vgt needs from Debian's source packages: debian_source. They define die,
# which prints its arguments and ends the script.

# apt with indices of its own in $1, for the archive that this machine uses need not list its sources. Afterwards
# APT_CONFIG=$1/apt.conf makes apt-get use them.
debian_set_up_apt() {
	local apt=$1 keyring=/usr/share/keyrings/debian-archive-keyring.gpg uri suite

	# shellcheck disable=SC2016
	uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' \
		2>/dev/null | head -n 1)
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	for suite in bookworm trixie; do
		echo "deb-src [signed-by=$keyring] ${uri:-https://deb.debian.org/debian} $suite main"
	done >"$apt/sources.list"
	# QEMU 10.0 wants a meson that is newer than bookworm's
	echo "deb [signed-by=$keyring] ${uri:-https://deb.debian.org/debian} bookworm-backports main" \
		>>"$apt/sources.list"
	cat >"$apt/apt.conf" <<-EOF
		Dir::Etc::SourceList "$apt/sources.list";
		Dir::Etc::SourceParts "/dev/null";
		Dir::State::Lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "root";
		Acquire::Retries "2";
	EOF
	APT_CONFIG=$apt/apt.conf apt-get -qq update || die "no source packages can be had"
}

# debian_source PACKAGE PATCHES DIRECTORY [FUNCTION]: unpacks a source package (NAME=VERSION or NAME/SUITE) with the
# patches of a directory into another, which is there whole or not at all. FUNCTION is called before that with the
# source and with the directory of debian_set_up_apt.
debian_source() {
	local package=$1 patches=$2 source=$3 more=${4:-:} apt patch name=${1%%[=/]*}

	apt=$(mktemp -d)
	# shellcheck disable=SC2064
	trap "rm -rf '$apt'" EXIT
	debian_set_up_apt "$apt"
	mkdir "$apt/package"
	echo "getting the source of $package" >&2
	(cd "$apt/package" && APT_CONFIG=$apt/apt.conf apt-get -qq source --download-only "$package") 2>"$apt/log" ||
		die "there is no source package $package; the installed $name may be older than the archive: upgrade it"
	# apt has checked it against the archive's signature
	dpkg-source --no-check -x "$apt"/package/*.dsc "$apt/source" >/dev/null
	for patch in "$patches"/*.patch; do
		patch -s -p1 -d "$apt/source" <"$patch" || die "$(basename "$patch") does not apply to $package"
	done
	$more "$apt/source" "$apt"
	rm -rf "$source.new"
	mv "$apt/source" "$source.new"
	mv "$source.new" "$source"
	rm -rf "$apt"
	trap - EXIT
}
