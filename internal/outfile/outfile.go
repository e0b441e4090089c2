// Package outfile protects existing files from being overwritten by an output that the user names.
package outfile

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/icl-msr/icl-msr/internal/runfolder"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// File is an output file that the user names.
type File struct {
	Setting string // the file's name in errors: {package.Field} as in package field, or a flag
	Path    string
	Force   bool     // overwrite an existing file
	Picture bool     // the output is a picture
	Inputs  []string // files that the command reads
}

// Check returns an error if writing the file would destroy something: a picture, a checkpoint or an input in any case,
// another file unless Force is set. It changes nothing.
func (o File) Check() error {
	if !o.Picture && IsPictureName(o.Path) {
		return o.errorf("names a picture, which would be lost; write " + o.Setting + " FILE before the pictures " +
			"(the shell makes a list of a pattern, of which " + o.Setting + " takes the first)")
	}
	if dir, ok := runfolder.Owner(o.Path); ok {
		return o.errorf("is part of the run in %s, which would be lost; choose a place outside of its checkpoints", dir)
	}
	info, err := os.Stat(o.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, in := range o.Inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
			return o.errorf("is what is to be read (%s); choose another file", in)
		}
	}
	return o.checkExisting(info)
}

// checkExisting returns an error if the file must not be overwritten.
func (o File) checkExisting(info fs.FileInfo) error {
	switch kind := kindOf(o.Path); {
	case info.IsDir():
		return o.errorf("is a folder; name a file in it")
	case !info.Mode().IsRegular():
		return o.errorf("is not a plain file; name one")
	case kind == "picture" && !o.Picture, kind == "checkpoint":
		return o.errorf("holds a %s, which would be lost; choose another file", kind)
	case !o.Force && o.Picture:
		return o.errorf("is there already; {outfile.Force} writes over it (but not in the data set's folder)")
	case !o.Force:
		return o.errorf("is there already; {outfile.Force} writes over it")
	}
	return nil
}

// errorf makes an error of the file. Its format goes on after the setting and the path.
func (o File) errorf(format string, args ...any) error {
	return usage.Errorf(o.Setting+" %s "+format, append([]any{o.Path}, args...)...)
}

// Within reports whether path is in the folder or below.
func Within(folder, path string) bool {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return false
	}
	whole, err := filepath.Abs(path)
	if err != nil {
		return false
	}
	rel, err := filepath.Rel(folder, whole)
	return err == nil && filepath.IsLocal(rel)
}

// IsPictureName reports whether a file's ending is that of a picture, including pictures that this program cannot read.
func IsPictureName(path string) bool {
	endings := []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic",
		".avif"}
	return slices.Contains(endings, strings.ToLower(filepath.Ext(path)))
}

// kindOf tells by a file's first bytes what it holds: "picture", "checkpoint" (of this program), or "" for others.
func kindOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const enough = 1 << 16 // a checkpoint's metadata come first
	head, err := io.ReadAll(io.LimitReader(f, enough))
	if err != nil {
		return ""
	}
	for _, begin := range []string{"\xff\xd8\xff", "\x89PNG\r\n", "GIF8", "BM", "II*\x00", "MM\x00*"} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return "picture"
		}
	}
	switch {
	case bytes.HasPrefix(head, []byte("RIFF")) && len(head) > 12 && string(head[8:12]) == "WEBP":
		return "picture"
	case bytes.Contains(head, []byte(`"format":"icl-msr checkpoint`)):
		return "checkpoint"
	}
	return ""
}

// Exists reports whether there is something at path.
func Exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
