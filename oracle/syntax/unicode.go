package main

import (
	"bufio"
	"fmt"
	"os"
	"unicode"
)

// printUnicode writes crates/go_syntax/src/unicode_tables.rs: the letters and digits that the Go
// specification allows in identifiers, as sorted inclusive ranges.
func printUnicode() {
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	fmt.Fprintln(out, "//! Unicode categories L and Nd above ASCII, as inclusive ranges. Generated from Go's own tables, Unicode")
	fmt.Fprintf(out, "//! %s, by `oracle/syntax -unicode`; do not edit. Separate because it is data.\n", unicode.Version)
	fmt.Fprintln(out)
	fmt.Fprintln(out, "#![cfg_attr(rustfmt, rustfmt_skip)]")
	for _, table := range []struct {
		name, doc string
		is        func(rune) bool
	}{{"LETTERS", "Category L.", unicode.IsLetter}, {"DIGITS", "Category Nd.", unicode.IsDigit}} {
		var ranges [][2]rune
		for r := rune(0x80); r <= unicode.MaxRune; r++ {
			if !table.is(r) {
				continue
			}
			if n := len(ranges); n > 0 && ranges[n-1][1] == r-1 {
				ranges[n-1][1] = r
			} else {
				ranges = append(ranges, [2]rune{r, r})
			}
		}
		fmt.Fprintf(out, "\n/// %s\npub(crate) static %s: [(u32, u32); %d] = [\n", table.doc, table.name, len(ranges))
		for i, r := range ranges {
			if i%6 == 0 {
				fmt.Fprint(out, "   ")
			}
			fmt.Fprintf(out, " (0x%X, 0x%X),", r[0], r[1])
			if i%6 == 5 || i == len(ranges)-1 {
				fmt.Fprintln(out)
			}
		}
		fmt.Fprintln(out, "];")
	}
}
