/* SPDX-License-Identifier: MIT */
#ifndef VGT_DEBIAN_PACKAGES_H
#define VGT_DEBIAN_PACKAGES_H

/* Debian's packages that messages name. What a build and the tests need is in .ci/deps. */

#define DEBIAN_CURL              "curl"
#define DEBIAN_EGL               "libegl1"
#define DEBIAN_EGL_MESA          "libegl-mesa0"
#define DEBIAN_EPOXY             "libepoxy0"
#define DEBIAN_MESA_DRIVERS      "libgl1-mesa-dri"
#define DEBIAN_QEMU              "qemu-system-x86"
#define DEBIAN_QEMU_GUI          "qemu-system-gui"
#define DEBIAN_SDL               "libsdl2-2.0-0"
#define DEBIAN_SPNG              "libspng0"
#define DEBIAN_VIRGLRENDERER     "libvirglrenderer1"
#define DEBIAN_VIRGL_TEST_SERVER "virgl-server"
#define DEBIAN_XVFB              "xvfb"
#define DEBIAN_XXHASH            "libxxhash0"
#define DEBIAN_ZSTD              "libzstd1"

#endif
