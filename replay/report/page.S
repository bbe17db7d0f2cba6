/* SPDX-License-Identifier: MIT */
/* The files of the report, as they are, for suite_html.c. */
	.section .rodata
	.macro file name, path
	.globl report_\name, report_\name\()_end
report_\name:
	.incbin "\path"
report_\name\()_end:
	.endm
	file html, "replay/report/page.html"
	file css, "replay/report/page.css"
	file js, "replay/report/page.js"
	.section .note.GNU-stack, "", %progbits
