package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// updateDocs makes TestFlagsReference write docs/reference/flags.md instead of comparing it.
var updateDocs = flag.Bool("update", false, "write docs/reference/flags.md")

// helpText is the parsed output of `run COMMAND --help`.
type helpText struct {
	usage string
	flags []string // each with the lines that belong to it
	rest  string   // what follows the flags
}

// parseHelp parses a help text. A flag begins at "--"; a line indented deeper continues it.
func parseHelp(text string) (h helpText) {
	for line := range strings.Lines(text) {
		last := len(h.flags) - 1
		switch {
		case strings.HasPrefix(line, "      --") || strings.HasPrefix(line, "  -"):
			h.flags = append(h.flags, line)
		case last >= 0 && h.rest == "" && strings.HasPrefix(line, "       "):
			h.flags[last] += line
		case last < 0:
			h.usage += line
		default:
			h.rest += line
		}
	}
	h.usage, h.rest = strings.TrimSpace(h.usage), strings.TrimSpace(h.rest)
	return h
}

// flagName returns the name of a flag as it is typed.
func flagName(text string) string {
	name := text[strings.Index(text, "--"):]
	return name[:strings.IndexAny(name, " [\n")]
}

// section returns a command's part of the reference. If a flag's help is the same as in pretrain, only its name is
// listed.
func section(c command, h helpText, pretrain map[string]bool) string {
	var b strings.Builder
	var same []string
	fmt.Fprintf(&b, "\n## %s\n\n%s.\n\n```text\n%s\n", c.name, strings.ToUpper(c.about[:1])+c.about[1:], h.usage)
	blank := "\n"
	for _, text := range h.flags {
		if c.name != "pretrain" && pretrain[text] {
			same = append(same, "`"+flagName(text)+"`")
			continue
		}
		b.WriteString(blank + strings.TrimRight(text, "\n") + "\n")
		blank = ""
	}
	b.WriteString("```\n")
	if len(same) > 0 {
		b.WriteString("\n" + wrap("As in [pretrain](#pretrain): "+strings.Join(same, ", ")+".") + "\n")
	}
	if c.name == "pretrain" {
		fmt.Fprintf(&b, "\n```text\n%s\n```\n", h.rest)
	}
	return b.String()
}

// wrap breaks a paragraph at 120 columns.
func wrap(text string) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		if line != "" && len(line)+1+len(word) > 120 {
			lines, line = append(lines, line), ""
		}
		line = strings.TrimSpace(line + " " + word)
	}
	return strings.Join(append(lines, line), "\n")
}

// flagsReference returns the content of docs/reference/flags.md.
func flagsReference(t *testing.T) string {
	var b strings.Builder
	b.WriteString("# Flags\n\n<!-- Written by `make docs` from the help texts. Do not edit. -->\n\n")
	b.WriteString(wrap("This page is what `bin/run COMMAND --help` prints. The keys of `config.yaml` are the names of "+
		"pretrain's flags. A switch, marked `[=true|false]`, is on when it is named, and off with `=false`.") + "\n")
	pretrain := map[string]bool{}
	for _, c := range commands() {
		status, out, errs := do(c.name, "--help")
		require.Zero(t, status, errs)
		h := parseHelp(out)
		require.NotEmpty(t, h.usage, out)
		if c.name == "pretrain" {
			for _, text := range h.flags {
				pretrain[text] = true
			}
		}
		b.WriteString(section(c, h, pretrain))
	}
	return b.String()
}

// The reference in docs/ equals what the program prints.
func TestFlagsReference(t *testing.T) {
	path := filepath.Join("..", "docs", "reference", "flags.md")
	want := flagsReference(t)
	if *updateDocs {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644))
		return
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err, "run `make docs`")
	if string(got) == want {
		return
	}
	there, here := strings.Split(string(got), "\n"), strings.Split(want, "\n")
	for i, line := range here {
		if i >= len(there) || there[i] != line {
			t.Fatalf("docs/reference/flags.md is stale at line %d, where the help says %q; `make docs` renews it", i+1, line)
		}
	}
	t.Fatalf("docs/reference/flags.md has %d lines more than the help; `make docs` renews it", len(there)-len(here))
}

// Every flag of a command is in its section, with its help or by its name.
func TestFlagsReferenceLeavesNothingOut(t *testing.T) {
	text := flagsReference(t)
	sections := strings.Split(text, "\n## ")[1:]
	require.Len(t, sections, len(commands()))
	for i, c := range commands() {
		_, out, _ := do(c.name, "--help")
		for line := range strings.Lines(out) {
			if strings.HasPrefix(line, "      --") {
				assert.Contains(t, sections[i], flagName(line), c.name)
			}
		}
	}
}

// Each flag that a document names belongs to this program, or to another one that the test lists.
func TestDocumentsNameFlagsThatExist(t *testing.T) {
	known := map[string]bool{"--help": true}
	for _, c := range commands() {
		_, out, _ := do(c.name, "--help")
		for _, text := range parseHelp(out).flags {
			known[flagName(text)] = true
		}
	}
	others := []string{
		"--nodes", "--gpus-per-node", "--ntasks-per-node", "--no-python", "--max-restarts", // Slurm, torchrun
		"--torch", "--channels-last", "--no-compile", "--only-ranks", "--minutes", // scripts/compare, interop and gpu
	}
	pages := []string{"../README.md", "../CONTRIBUTING.md", "../SECURITY.md", "../CHANGELOG.md"}
	for _, pattern := range []string{"../docs/*.md", "../docs/*/*.md"} {
		found, err := filepath.Glob(pattern)
		require.NoError(t, err)
		pages = append(pages, found...)
	}
	require.Greater(t, len(pages), 10)
	for _, page := range pages {
		text, err := os.ReadFile(page)
		require.NoError(t, err)
		for _, m := range regexp.MustCompile("(?:^|[\\s`(\"])(--[a-z][a-z0-9-]*)").FindAllStringSubmatch(string(text), -1) {
			assert.True(t, known[m[1]] || slices.Contains(others, m[1]), "%s names %s, which no command has", page, m[1])
		}
	}
}
