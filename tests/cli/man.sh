#!/bin/bash
# SPDX-License-Identifier: MIT
# The manual pages: one for each command, made of its help text without loss, clean for mandoc; help texts that the
# generator does not understand are refused.
# shellcheck source=tests/cli/lib.sh
. "$(dirname "$0")/lib.sh"
command -v mandoc >/dev/null || skip "no mandoc"
man=$TMP/man
expect_exit 0 replay/make_man "$VGT" 1.2.3 2024-02-03 "$man"

# clean PAGE...: without warnings of mandoc's.
clean() {
	mandoc -T lint -W warning "$@"
}

# render PAGE: as text.
render() {
	mandoc -T utf8 "$1" | sed 's/.\x08//g'
}

# words: of standard input, sorted, without what ends a sentence.
words() {
	tr -s '[:space:]' '\n' | sed 's/[;.]*$//' | sort -u
}

read -r -d '' -a commands < <("$VGT" help | sed -n '/^commands:$/,/^$/s/^  \([a-z]*\) .*/\1/p') || true
expect_equal "pages" "$({ printf 'vgt-%s.1\n' "${commands[@]}" && printf 'vgt.1\nvgt-trace.5\n'; } | sort)" \
	"$(cd "$man" && find . -name '*.[1-9]' -printf '%f\n' | sort)"
expect_stdout '' clean "$man"/*

for command in "${commands[@]}"; do
	expect_stdout_match "^NAME" render "$man/vgt-$command.1"
	expect_stdout_match "vgt-$command - [a-z]" render "$man/vgt-$command.1"

	# No word of the help is lost, but those of headings.
	"$VGT" help "$command" | sed -e 's/^usage://' -e 's/^exit status://' -e 's/^examples\{0,1\}://' -e 's/`//g' \
		-e '/^[a-z]*:$/d' | words >"$TMP/wanted"
	expect_equal "lost of vgt help $command" "" \
		"$(render "$man/vgt-$command.1" | words | comm -13 - "$TMP/wanted")"

	# Each option has a term of its own.
	"$VGT" help "$command" | sed -n '/^example/q; s/^ \{2,6\}\(-[^ ].*\)/\1/p' | sed 's/  .*//' | sort >"$TMP/wanted"
	expect_equal "options lost of vgt help $command" "" \
		"$(render "$man/vgt-$command.1" | sed -n 's/^       \(-[^ ].*\)/\1/p' | sed 's/  .*//' >"$TMP/terms"
			while IFS= read -r option; do
				grep -q -E -e "^${option//[/\\[}( |\$)" "$TMP/terms" || echo "$option"
			done <"$TMP/wanted")"
done

# vgt(1) tells about all of the environment that is read.
grep -h -o -E '(getenv|number_from_environment)\("[A-Z_]+"' replay/*.c host-capture/*.c | sed 's/.*"\(.*\)"/\1/' |
	sort -u >"$TMP/wanted"
expect_stdout_match '^NO_COLOR$' cat "$TMP/wanted"
expect_equal "variables that are not in vgt(1)" "" "$(render "$man/vgt.1" | tr -d ',' | words | comm -13 - "$TMP/wanted")"

# A page that is broken is found.
sed 's/^\.TP$/.TQX/; s/\\fB/\\fZ/' "$man/vgt-info.1" >"$TMP/broken.1"
expect_stdout_match WARNING clean "$TMP/broken.1"

# make_page TEXT: what the generator makes of a help text.
make_page() {
	printf '%b' "$1" | awk -f replay/help_to_man.awk -v page=vgt-x -v summary="does x" -v version=1 -v date=2024-02-03 \
		-v commands="record x"
}
good='usage: vgt x FILE\n\nText.\n\n'
page=$(make_page "usage: vgt x [--a-b=N] FILE
       vgt x

.Text's end \\\\ \`vgt record\`.

  -a, --a-b=N  one
               two
      --c 0-N  .three
A list:
  long, longer, longest
               four
    alone
    inner   five
            six
  last         seven
what stays
so:
  vgt  so
   {
and ends
exit status: 0 good;
1 bad.

exit status: 0 good;
1 bad.

examples:
  vgt x \\\\
      -y
")
expect_equal "the page" '.SH NAME
vgt\-x \- does x
.SH SYNOPSIS
\fBvgt x\fR [\fB\-\-a\-b=\fR\fIN\fR] \fIFILE\fR
.br
\fBvgt x\fR
.SH DESCRIPTION
\&.Text\(aqs end \e \fBvgt record\fR.
.SH OPTIONS
.TP
\fB\-a\fR, \fB\-\-a\-b=\fR\fIN\fR
one two
.TP
\fB\-\-c\fR 0\-\fIN\fR
\&.three
.SH NOTES
A list:
.TP
\fBlong, longer, longest\fR
four
.RS
.TP
\fBalone\fR
\&
.TP
\fBinner\fR
five six
.RE
.TP
\fBlast\fR
seven
.PP
what stays so:
.PP
.RS 4
.EX
vgt  so
 {
.EE
.RE
.PP
and ends exit status: 0 good; 1 bad.
.SH "EXIT STATUS"
.TP
\fB0\fR
good
.TP
\fB1\fR
bad
.SH EXAMPLES
.EX
vgt x \e
    \-y
.EE
.SH "SEE ALSO"
\fBvgt\fR(1),
\fBvgt\-record\fR(1),
\fBvgt\-trace\fR(5)' "$(tail -n +3 <<<"$page")"
expect_stderr_match 'line 1: the usage is missing' make_page 'text\n'
expect_stderr_match 'line 2: an empty line belongs' make_page 'usage: vgt x\ntext\n'
expect_stderr_match 'there is only a usage' make_page 'usage: vgt x\n\n'
expect_stderr_match 'nothing is said of -q, --quiet no summary' \
	make_page "$good  --json      text\n  -q, --quiet no summary\n  -h, --help  this\n"
expect_stderr_match 'line 5: neither a term nor' make_page "$good        lost\n"
expect_exit 1 make_page "$good  --json\n"
expect_stderr_match 'it is empty' make_page ''

# make keeps no half of a manual, which it would take for a whole one: here the second page fails.
cat >"$TMP/broken" <<'V'
#!/bin/sh
case "$*" in
help) printf 'usage: vgt x\n\nText.\n\ncommands:\n  one  does one\n  two  does two\n\n' ;;
help*) printf '%b' "usage: vgt x\n\n$(cat "$0.text")\n" ;;
esac
V
mkdir "$TMP/b"
mv "$TMP/broken" "$TMP/b/vgt"
chmod +x "$TMP/b/vgt"
unset MAKEFLAGS MAKELEVEL
make_manual() {
	make -s -o "$TMP/b/vgt" BUILD="$TMP/b" "$TMP/b/man/vgt.1"
}
echo '  -x' >"$TMP/b/vgt.text"
expect_exit 2 make_manual
expect_exit 1 test -e "$TMP/b/man"
expect_exit 2 make_manual
echo 'Text.' >"$TMP/b/vgt.text"
expect_exit 0 make_manual
expect_stdout 'vgt-one.1
vgt-trace.5
vgt-two.1
vgt.1' ls "$TMP/b/man"
expect_exit 1 test -e "$TMP/b/man.new"
