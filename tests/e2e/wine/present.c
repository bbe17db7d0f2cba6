/* SPDX-License-Identifier: MIT */
#define _GDI32_ /* StretchDIBits is defined here */
#include <windows.h>

#include "present.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <xxhash.h>

typedef int(WINAPI *stretch_function)(HDC dc, int x, int y, int width, int height, int from_x,
	int from_y, int from_width, int from_height, const VOID *bits, const BITMAPINFO *info,
	UINT usage, DWORD operation);

static INIT_ONCE once = INIT_ONCE_STATIC_INIT;
static stretch_function stretch; /* Wine's */
static unsigned long frames_max; /* 0: without end */
static BOOL is_redrawn;

static SRWLOCK lock = SRWLOCK_INIT; /* of all that follows */
static FILE *shown;                 /* NULL: nobody wants to know */
static unsigned long frames;
static LARGE_INTEGER first, last;

static BOOL CALLBACK start(PINIT_ONCE once_, PVOID parameter, PVOID *context)
{
	const char *path = getenv("VGT_SHOWN"), *max = getenv("VGT_FRAMES");

	(void)once_, (void)parameter, (void)context;
	stretch = (stretch_function)(void *)GetProcAddress(
		LoadLibraryA("gdi32_w.dll"), "StretchDIBits");
	frames_max = max ? strtoul(max, NULL, 10) : 0;
	shown = path ? fopen(path, "wb") : NULL;
	is_redrawn = getenv("VGT_REDRAW") != NULL;
	return TRUE;
}

static BOOL is_icd(const void *caller)
{
	HMODULE module = NULL, icd = GetModuleHandleA("vgticd.dll");
	return icd &&
	       GetModuleHandleExA(GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
					  GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
		       caller, &module) &&
	       module == icd;
}

/* How a picture lies in memory. */
struct layout {
	uint32_t width, height;
	const uint8_t *first; /* the upper row */
	ptrdiff_t stride;
	uint32_t bytes;    /* of a pixel */
	uint32_t masks[3]; /* red, green, blue */
};

static BOOL find_masks(const BITMAPINFO *info, uint32_t *masks)
{
	static const uint32_t eight[3] = {0xff0000, 0xff00, 0xff};
	static const uint32_t five[3] = {0x7c00, 0x3e0, 0x1f};
	const BITMAPINFOHEADER *header = &info->bmiHeader;
	const uint32_t *chosen;

	if (header->biCompression == BI_BITFIELDS) {
		chosen = (const uint32_t *)info->bmiColors;
	} else {
		chosen = header->biBitCount == 16 ? five : eight;
	}
	memcpy(masks, chosen, 3 * sizeof(*masks));
	return (header->biCompression == BI_BITFIELDS || header->biCompression == BI_RGB) &&
	       masks[0] && masks[1] && masks[2];
}

/* Of all rows of a picture, its left `width` pixels. */
static BOOL find_layout(
	const BITMAPINFO *info, const uint8_t *bits, uint32_t width, struct layout *layout)
{
	const BITMAPINFOHEADER *header = &info->bmiHeader;
	const BOOL is_upside_down = header->biHeight > 0;

	layout->width = width;
	layout->height = (uint32_t)abs(header->biHeight);
	layout->bytes = header->biBitCount / 8u;
	layout->stride =
		(ptrdiff_t)(((uint64_t)header->biWidth * header->biBitCount + 31) / 32 * 4);
	layout->first = bits;
	if (is_upside_down) {
		layout->first += layout->stride * (ptrdiff_t)(layout->height - 1);
		layout->stride = -layout->stride;
	}
	return (header->biBitCount == 16 || header->biBitCount == 24 ||
		       header->biBitCount == 32) &&
	       find_masks(info, layout->masks);
}

static uint8_t channel(uint32_t pixel, uint32_t mask)
{
	uint32_t shift = (uint32_t)__builtin_ctz(mask), max = mask >> shift;
	uint32_t value = (pixel & mask) >> shift;
	return (uint8_t)(max == 255 ? value : ((uint64_t)value * 255 + max / 2) / max);
}

/* player_picture_digest(); 0: there is no memory. */
static uint64_t digest(const struct layout *layout)
{
	const uint32_t size[2] = {layout->width, layout->height};
	XXH64_state_t *state = XXH64_createState();
	uint8_t *row = malloc((size_t)layout->width * 3);
	uint64_t result = 0;

	if (!state || !row) {
		goto end;
	}
	XXH64_reset(state, 0);
	XXH64_update(state, size, sizeof(size));
	for (uint32_t y = 0; y < layout->height; y++) {
		const uint8_t *at = layout->first + layout->stride * (ptrdiff_t)y;
		for (uint32_t x = 0; x < layout->width; x++, at += layout->bytes) {
			uint32_t pixel = 0;
			memcpy(&pixel, at, layout->bytes);
			for (uint32_t i = 0; i < 3; i++) {
				row[3 * x + i] = channel(pixel, layout->masks[i]);
			}
		}
		XXH64_update(state, row, (size_t)layout->width * 3);
	}
	result = XXH64_digest(state);
end:
	free(row);
	XXH64_freeState(state);
	return result;
}

static void write_down(const BITMAPINFO *info, const uint8_t *bits, int from_x, int from_y,
	int width, int height)
{
	struct layout layout;

	if (from_x == 0 && from_y == 0 && width > 0 && width <= info->bmiHeader.biWidth &&
		height == abs(info->bmiHeader.biHeight) &&
		find_layout(info, bits, (uint32_t)width, &layout)) {
		fprintf(shown, "%ux%u %016" PRIx64 "\n", layout.width, layout.height,
			digest(&layout));
	} else {
		fprintf(shown, "a picture of another format\n");
	}
	fflush(shown);
}

__declspec(dllexport) int WINAPI StretchDIBits(HDC dc, int x, int y, int width, int height,
	int from_x, int from_y, int from_width, int from_height, const VOID *bits,
	const BITMAPINFO *info, UINT usage, DWORD operation)
{
	int result;

	InitOnceExecuteOnce(&once, start, NULL, NULL);
	if (!is_icd(__builtin_return_address(0))) {
		return stretch(dc, x, y, width, height, from_x, from_y, from_width, from_height,
			bits, info, usage, operation);
	}
	AcquireSRWLockExclusive(&lock);
	if (shown) {
		write_down(info, bits, from_x, from_y, from_width, from_height);
	}
	result = stretch(dc, x, y, width, height, from_x, from_y, from_width, from_height, bits,
		info, usage, operation);
	QueryPerformanceCounter(frames ? &last : &first);
	if (++frames == frames_max) {
		ExitProcess(0);
	}
	ReleaseSRWLockExclusive(&lock);
	if (is_redrawn) {
		InvalidateRect(WindowFromDC(dc), NULL, FALSE);
	}
	return result;
}

void present_end(void)
{
	const char *path = getenv("VGT_TIMES");
	FILE *file = path ? fopen(path, "wb") : NULL;
	LARGE_INTEGER frequency;
	double seconds = 0;

	if (file) {
		if (frames > 1) {
			QueryPerformanceFrequency(&frequency);
			seconds = (double)(last.QuadPart - first.QuadPart) /
				  (double)frequency.QuadPart;
		}
		fprintf(file, "%lu %.6f\n", frames, seconds);
		fclose(file);
	}
}
