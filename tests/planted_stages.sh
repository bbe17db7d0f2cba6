# SPDX-License-Identifier: MIT
# shellcheck shell=bash disable=SC2034 # for those who source this
# What the ways to compare make of planted differences (tests/planted.c), in pictures of 320x240 with edges such as
# multisampling leaves. Three words each: a name, the options of vgt compare, and what it must catch; all else it
# forgives.

planted_kinds=(pixel row line edges triangle gamma swapped noise)
planted_stages=(
	exact "--metric exact" "pixel row line edges triangle gamma swapped noise"
	difference "--threshold 8 --max-pixels 0.5%" "line edges triangle gamma swapped"
	mean "--metric mean --max 0.5" "line triangle gamma swapped"
	psnr "--metric psnr --min 40" "line triangle gamma swapped"
	yiq "--metric yiq --threshold 0.1" "pixel row line edges triangle swapped"
	"yiq, 0.1%" "--metric yiq --threshold 0.1 --max-pixels 0.1%" "line triangle swapped"
	"yiq, edges count" "--metric yiq --threshold 0.1 --antialiased count --max-pixels 0.1%" "line edges triangle swapped"
	ssim "--metric ssim --min 0.99" "line triangle swapped noise"
	flip "--metric flip --max 0.01" "line triangle gamma swapped noise"
)
