# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# A Debian of its own to try things in, for scripts that source this; as root. What is mounted there nobody else
# sees, and it goes with the script, however that ends.
#
#   debian_root_skip WHY         ends the script: what it needs is missing (with CI=true that is a failure)
#   debian_root_own_mounts "$@"  starts the script again, with mounts of its own and --own-mounts in front
#   debian_root_make SUITE LOG   sets debian_root to the directory of a minimal Debian, made once, in ~/.cache/vgt,
#                                and locks it: no other script makes or uses it until this one ends
#   debian_root_mount            /proc, /dev, /tmp in debian_root
#   debian_root_inside COMMAND   runs a command there, with an environment as bare as after a login

debian_root_name=$(basename "$0")
debian_root_cache=${XDG_CACHE_HOME:-$HOME/.cache}/vgt
debian_root=

debian_root_skip() {
	echo "$debian_root_name: SKIPPED: $1" >&2
	[ -z "${CI:-}" ] || exit 1
	exit 77
}

debian_root_own_mounts() {
	local keyring=/usr/share/keyrings/debian-archive-keyring.gpg

	[ "$(id -u)" = 0 ] || debian_root_skip "only root can do this"
	command -v apt-get >/dev/null || debian_root_skip "this makes a Debian out of a Debian"
	if ! command -v debootstrap >/dev/null || [ ! -e $keyring ]; then
		echo "$debian_root_name: installing missing packages: debootstrap debian-archive-keyring"
		apt-get -qq update
		apt-get -qq install -y --no-install-recommends debootstrap debian-archive-keyring >/dev/null
	fi
	unshare --mount --pid --fork --kill-child true 2>/dev/null || debian_root_skip "no mount may be made here"
	exec unshare --mount --pid --fork --kill-child "$0" --own-mounts "$@"
}

debian_root_bootstrap() {
	debootstrap --variant=minbase --keyring=/usr/share/keyrings/debian-archive-keyring.gpg "$1" "$2" "$3" || return
	echo force-unsafe-io >"$2/etc/dpkg/dpkg.cfg.d/vgt"
	# a snapshot's dates, a proxy
	apt-config dump | grep -i -E '^Acquire::(Check-|[a-z]*::Proxy)' >"$2/etc/apt/apt.conf.d/50vgt" || true
	cp /etc/resolv.conf "$2/etc"
}

debian_root_make() {
	local suite=$1 log=$2 uri

	debian_root=$debian_root_cache/$suite-$(declare -f debian_root_bootstrap | sha256sum | cut -c 1-16)
	mkdir -p "$debian_root_cache"
	exec 9>"$debian_root_cache/$suite.lock"
	flock 9
	if [ ! -d "$debian_root" ]; then
		# shellcheck disable=SC2016
		uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' 'Label: Debian' 2>/dev/null |
			head -n 1)
		[ -n "$uri" ] || debian_root_skip "apt knows no Debian"
		rm -rf "$debian_root_cache/$suite"-*
		echo "$debian_root_name: making $debian_root" >&2
		debian_root_bootstrap "$suite" "$debian_root.new" "$uri" >"$log" 2>&1 || {
			tail -n 20 "$log" >&2
			debian_root_skip "no Debian $suite can be made"
		}
		mv "$debian_root.new" "$debian_root"
	fi
}

debian_root_mount() {
	mount --bind "$debian_root" "$debian_root"
	mount -t proc proc "$debian_root/proc"
	mount --bind /dev "$debian_root/dev"
	mount --bind /dev/pts "$debian_root/dev/pts"
	mount -t tmpfs -o mode=1777 tmpfs "$debian_root/dev/shm"
	mount -t tmpfs -o mode=1777 tmpfs "$debian_root/tmp"
}

debian_root_inside() {
	nice -n 5 chroot "$debian_root" env -i HOME=/root XDG_RUNTIME_DIR=/tmp PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
		LC_ALL=C DEBIAN_FRONTEND=noninteractive "$@" </dev/null
}
