package main

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
)

// output is a file that the user names to be written.
type output struct {
	flag, path string
	force      bool     // to write over what is there
	picture    bool     // it is to be a picture
	inputs     []string // what the command reads
}

// check refuses what would be lost: pictures, checkpoints and inputs in any case,
// other files without --force. It returns before anything is done.
func (o output) check() error {
	if !o.picture && isPictureName(o.path) {
		return usagef("%s %s names a picture, which would be lost; write %[1]s FILE before the pictures "+
			"(the shell makes a list of a pattern, of which %[1]s takes the first)", o.flag, o.path)
	}
	if dir, ok := runfolder.Owner(o.path); ok {
		return usagef("%s %s is part of the run in %s, which would be lost; choose a place outside of its checkpoints",
			o.flag, o.path, dir)
	}
	info, err := os.Stat(o.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, in := range o.inputs {
		if other, err := os.Stat(in); err == nil && os.SameFile(info, other) {
			return usagef("%s %s is what is to be read (%s); choose another file", o.flag, o.path, in)
		}
	}
	switch kind := kindOf(o.path); {
	case info.IsDir():
		return usagef("%s %s is a folder; name a file in it", o.flag, o.path)
	case !info.Mode().IsRegular():
		return usagef("%s %s is not a plain file; name one", o.flag, o.path)
	case kind == "picture" && !o.picture, kind == "checkpoint":
		return usagef("%s %s holds a %s, which would be lost; choose another file", o.flag, o.path, kind)
	case !o.force && o.picture:
		return usagef("%s %s is there already; --force writes over it (but not in the data set's folder)", o.flag, o.path)
	case !o.force:
		return usagef("%s %s is there already; --force writes over it", o.flag, o.path)
	}
	return nil
}

// within reports whether path is in the folder or below.
func within(folder, path string) bool {
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

// isPictureName goes by the ending, of pictures that this program does not read, too.
func isPictureName(path string) bool {
	endings := []string{".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff", ".heic", ".avif"}
	return slices.Contains(endings, strings.ToLower(filepath.Ext(path)))
}

// kindOf looks into a file: "picture", "checkpoint" (of this program), or "".
func kindOf(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	const enough = 1 << 16 // a checkpoint's metadata stand first
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

// exists reports whether there is something at path.
func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
