# SPDX-License-Identifier: MIT
# Makes a manual page (man(7)) of a help text, which is the only place where a command is described:
#
#   vgt help record | awk -f help_to_man.awk -v page=vgt-record -v summary='run a program ...' \
#       -v commands='compare cut ...' -v version=0.1.0 -v date=2024-01-01 [-v more=FILE]
#
# FILE is man(7) for the end of the page, of what no help text says. A help text is
#
#   usage: LINE          further lines begin with 7 blanks; ended by an empty line
#   paragraphs           `vgt this` is set in bold
#   NAME:                lower case, behind an empty line or a list: a heading. "exit status: 0 TEXT; 1 TEXT"
#                        is heading and list, "example: LINE" heading and line; below "examples:" lines stay
#                        as they are
#     TERM  TEXT         a list: at least two blanks between the two, in each line of a list TEXT in the
#           TEXT         same column, but behind a TERM that is too long for it. TERM may have a line of
#       TERM  TEXT       its own, and where it is no option no TEXT. Four blanks before TERM: a list within
#                        the text above, with a column of its own
#     vgt ...            not in a list: lines that stay as they are; so does what begins with {
#
# Text that is not so ends the program with exit status 1.

function fail(why) {
	printf "help_to_man.awk: %s: line %d: %s\n", page, NR, why >"/dev/stderr"
	failed = 1
	exit 1
}

function escape(text) {
	gsub(/\\/, "\\e", text)
	gsub(/-/, "\\-", text)
	gsub(/'/, "\\(aq", text)
	gsub(/\^/, "\\(ha", text)
	gsub(/~/, "\\(ti", text)
	return text
}

# A line of text: no request, whatever it begins with.
function put(text) {
	print (text ~ /^\./ ? "\\&" : "") text
}

# Options bold, words for values italic, the rest in the font `base`.
function set_fonts(text, base,    out, word, before) {
	out = base == "R" ? "" : "\\f" base
	before = " "
	while (match(text, /--?[A-Za-z0-9][a-z0-9-]*=?|[A-Z][A-Z0-9_]*(\.[a-z]+)?/)) {
		word = substr(text, RSTART, RLENGTH)
		if (RSTART > 1) {
			before = substr(text, RSTART - 1, 1)
		}
		out = out escape(substr(text, 1, RSTART - 1))
		if (word !~ /^-/) {
			out = out "\\fI" escape(word) "\\f" base
		} else if (before ~ /[A-Za-z0-9]/) { # a hyphen
			out = out escape("-")
			RLENGTH = 1
			word = "-"
		} else {
			out = out "\\fB" escape(word) "\\f" base
		}
		before = substr(word, length(word))
		text = substr(text, RSTART + RLENGTH)
	}
	return out escape(text) (base == "R" ? "" : "\\fR")
}

function mention_commands(text) {
	while (match(text, /vgt (help )?[a-z]+/)) {
		mentioned[substr(text, RSTART + 4, RLENGTH - 4)] = 1
		text = substr(text, RSTART + RLENGTH)
	}
}

# Paragraphs and texts of lists may have a `command` over the end of a line.
function put_text(text,    parts, count, i, out) {
	mention_commands(text)
	count = split(text, parts, "`")
	for (i = 1; i <= count; i++) {
		out = out (i % 2 == 0 ? "\\fB" : i > 1 ? "\\fR" : "") escape(parts[i])
	}
	put(out)
}

# "0 this; 1 that; 2 else." as a list
function put_statuses(text,    end) {
	sub(/\.$/, "", text)
	do {
		end = match(text, /; [0-9] /)
		print ".TP\n\\fB" substr(text, 1, 1) "\\fR"
		put_text(substr(text, 3, end ? end - 3 : length(text)))
		text = substr(text, end + 2)
	} while (end)
}

function heading(name) {
	section = toupper(name)
	print ".SH " (section ~ / / ? "\"" section "\"" : section)
}

# Ends the paragraph or list item that is being collected.
function flush() {
	if (section == "EXIT STATUS" && !in_list && text ~ /^[0-9] /) {
		put_statuses(text)
	} else if (text != "") {
		put_text(text)
	} else if (term ~ /^-/) {
		fail("nothing is said of " term)
	} else if (term != "") {
		print "\\&"
	}
	text = term = ""
}

function end_list() {
	flush()
	if (nested) {
		print ".RE"
	}
	in_list = nested = column = 0
}

function add(line) {
	text = text (text == "" ? "" : " ") line
}

function new_item(line, indent,    gap, begin) {
	flush()
	if (!in_list && line ~ /^-/ && section != "OPTIONS") {
		heading("options")
	}
	if (indent == 4 && line !~ /^-/ && !nested) {
		print ".RS"
		nested = 1
		outer_column = column
		column = 0
	} else if (indent < 4 && nested) {
		print ".RE"
		nested = 0
		column = outer_column
	}
	in_list = 1
	gap = match(line, /   */)
	begin = gap + RLENGTH
	term = gap ? substr(line, 1, gap - 1) : line
	print ".TP"
	if (section == "COMMANDS") {
		put("\\fB" escape("vgt-" term) "\\fR(1)")
	} else {
		put(set_fonts(term, term ~ /^-/ ? "R" : "B"))
	}
	if (gap) {
		add(substr(line, begin))
		if (!column) {
			column = indent + begin - 1
		}
	}
}

function indented(line,    indent) {
	match(line, /^ */)
	indent = RLENGTH
	line = substr(line, indent + 1)
	if (in_list && !column && indent > 4) { # the first term has a line of its own
		column = indent
	}
	if (!in_list) {
		flush()
	}
	if (in_list && column && indent >= column) {
		add(line)
	} else if (indent > 6) {
		fail("neither a term nor in the column of the texts")
	} else {
		new_item(line, indent)
	}
}

function begin_paragraph(line) {
	end_list()
	end_example()
	if (section == "OPTIONS") {
		heading("notes")
		fresh = 1
	}
	if (!fresh) {
		print ".PP"
	}
	fresh = 0
	add(line)
}

# Lines that stay as they are.
function put_example(line) {
	if (!in_example) {
		print (section == "EXAMPLES" ? "" : ".PP\n.RS 4\n") ".EX"
	}
	in_example = 1
	sub(/^  /, "", line)
	put(escape(line))
}

function end_example() {
	if (in_example) {
		print ".EE" (section == "EXAMPLES" ? "" : "\n.RE")
	}
	in_example = 0
}

BEGIN {
	printf ".\\\" Made of the text that '%s' prints: change that.\n",
		page == "vgt" ? "vgt help" : "vgt help " substr(page, 5)
	printf ".TH %s 1 %s \"vgt %s\" \"vgt manual\"\n", toupper(page), date, version
	heading("name")
	print escape(page) " \\- " escape(summary)
}

NR == 1 {
	if (!sub(/^usage: /, "")) {
		fail("the usage is missing")
	}
	heading("synopsis")
	in_usage = 1
	put_usage($0)
	next
}

function put_usage(line,    name) {
	match(line, /^vgt [a-z]*/)
	name = substr(line, 1, RLENGTH)
	sub(/ $/, "", name)
	put("\\fB" escape(name) "\\fR" set_fonts(substr(line, length(name) + 1), "R"))
}

in_usage && /^       / {
	print ".br"
	put_usage(substr($0, 8))
	next
}

in_usage {
	if ($0 != "") {
		fail("an empty line belongs behind the usage")
	}
	in_usage = 0
	heading("description")
	fresh = 1
	next
}

$0 == "" {
	if (section == "EXAMPLES") {
		fail("the examples are the end")
	}
	blank = 1
	end_list()
	end_example()
	next
}

(blank || in_list) && (/^(exit status|examples?):/ || /^[a-z][a-z ]*:$/) {
	end_list()
	match($0, /^[^:]*/)
	heading(substr($0, 1, RLENGTH) == "example" ? "examples" : substr($0, 1, RLENGTH))
	fresh = 1
	sub(/^[^:]*: */, "")
	if ($0 != "" && section == "EXAMPLES") {
		put_example($0)
	} else if ($0 != "") {
		begin_paragraph($0)
	}
	blank = 0
	next
}

section == "EXAMPLES" {
	put_example($0)
	next
}

(in_example && /^  /) || (!in_list && /^  (vgt |[{])/) {
	flush()
	put_example($0)
	next
}

/^ / {
	fresh = 0
	indented($0)
	blank = 0
	next
}

{
	if (blank || in_list || in_example || fresh) {
		begin_paragraph($0)
	} else {
		add($0)
	}
	blank = 0
}

END {
	if (failed) {
		exit 1
	}
	if (!NR) {
		fail("it is empty")
	}
	if (in_usage || (section == "DESCRIPTION" && fresh)) {
		fail("there is only a usage")
	}
	end_list()
	end_example()
	while (more != "" && (getline line <more) > 0) {
		print line
	}
	heading("see also")
	count = split(commands, names, " ")
	others = page == "vgt" ? "" : "\\fBvgt\\fR(1),\n"
	for (i = 1; i <= count; i++) {
		if ((names[i] in mentioned || "help " names[i] in mentioned) && "vgt-" names[i] != page) {
			others = others "\\fBvgt\\-" names[i] "\\fR(1),\n"
		}
	}
	print others "\\fBvgt\\-trace\\fR(5)"
}
