package datasets

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

// isPicture reports whether a file's name is that of a picture. The content decides how it is read.
func isPicture(name string) bool {
	return !strings.HasPrefix(name, ".") && endingFormat(name) != ""
}

// readable lists the formats in messages.
const readable = "PNG, JPEG, WebP, TIFF, BMP or GIF"

// endingFormat returns the format that a file's ending stands for, or "" if it is not one of those
// that are read.
func endingFormat(name string) string {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".jpg", ".jpeg", ".jpe", ".jfif":
		return "JPEG"
	case ".png":
		return "PNG"
	case ".webp":
		return "WebP"
	case ".tif", ".tiff":
		return "TIFF"
	case ".bmp":
		return "BMP"
	case ".gif":
		return "GIF"
	}
	return ""
}

// isJunk reports whether a name is one of those that operating systems and storage servers leave
// beside pictures: previews, deleted files, attributes.
func isJunk(name string) bool {
	junk := []string{
		"@eadir",
		"#recycle",
		"$recycle.bin",
		"system volume information",
		"__macosx",
		"lost+found",
		"thumbnails",
		"thumbs.db",
		"ehthumbs.db",
		"desktop.ini",
	}
	return strings.HasPrefix(name, ".") || slices.Contains(junk, strings.ToLower(name))
}

// magic is the signature of a format: bytes at an offset.
type magic struct {
	format string
	at     int
	bytes  string
}

func magics() []magic {
	return []magic{
		{"JPEG", 0, "\xff\xd8\xff"}, {"PNG", 0, "\x89PNG\r\n\x1a\n"}, {"WebP", 8, "WEBP"}, {"TIFF", 0, "II*\x00"},
		{"TIFF", 0, "MM\x00*"}, {"BMP", 0, "BM"}, {"GIF", 0, "GIF8"},
		{"BigTIFF", 0, "II+\x00"}, {"BigTIFF", 0, "MM\x00+"},
		{"AVIF", 4, "ftypavif"}, {"AVIF", 4, "ftypavis"}, {"HEIC", 4, "ftyphei"}, {"HEIC", 4, "ftyphev"},
		{"HEIC", 4, "ftypmif1"}, {"HEIC", 4, "ftypmsf1"}, {"video", 4, "ftyp"}, {"video", 0, "\x1aE\xdf\xa3"},
		{"JPEG 2000", 0, "\x00\x00\x00\x0cjP  "}, {"JPEG 2000", 0, "\xff\x4f\xff\x51"}, {"JPEG XL", 0, "\xff\x0a"},
		{"JPEG XL", 0, "\x00\x00\x00\x0cJXL "},
		{"Photoshop file", 0, "8BPS"}, {"icon", 0, "\x00\x00\x01\x00"}, {"OpenEXR", 0, "v/1\x01"},
		{"Radiance HDR", 0, "#?RADIANCE"}, {"DICOM", 128, "DICM"}, {"portable pixmap", 0, "P6"},
		{"portable graymap", 0, "P5"},
		{"PDF", 0, "%PDF"}, {"PostScript file", 0, "%!PS"}, {"zip archive", 0, "PK\x03\x04"},
		{"gzip file", 0, "\x1f\x8b"}, {"NumPy array", 0, "\x93NUMPY"}, {"HDF5 file", 0, "\x89HDF\r\n\x1a\n"},
		{"Git LFS pointer (git lfs pull fetches the file)", 0, "version https://git-lfs"},
	}
}

// formatOf returns the format of a file's content, or "" if it is unknown.
func formatOf(data []byte) string {
	for _, m := range magics() {
		if len(data) >= m.at+len(m.bytes) && string(data[m.at:m.at+len(m.bytes)]) == m.bytes {
			return m.format
		}
	}
	text := bytes.ToLower(bytes.TrimLeft(data[:min(len(data), 1024)], " \t\r\n\xef\xbb\xbf"))
	switch {
	case begins(text, "<!doctype html", "<html", "<head"):
		return "HTML page"
	case begins(text, "<svg"), begins(text, "<?xml") && bytes.Contains(text, []byte("<svg")):
		return "SVG drawing"
	case begins(text, "<?xml"):
		return "XML file"
	case len(data) > 0 && len(bytes.Trim(data, "\x00")) == 0:
		return "file of zeros"
	}
	return ""
}

func begins(text []byte, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.HasPrefix(text, []byte(w)) })
}

// misnamed returns a phrase if the content is of another format than the name says, as "it is a
// WebP, not a JPEG". It returns "" if both agree or the format is unknown.
func misnamed(data []byte, name string) string {
	is, promised := formatOf(data), endingFormat(name)
	switch {
	case is == "" || is == promised:
		return ""
	case promised == "":
		return "it is " + article(is)
	}
	return fmt.Sprintf("it is %s, not %s", article(is), article(promised))
}

// article puts "a" or "an" before a format's name.
func article(format string) string {
	spoken := []string{"AVIF", "HTML page", "XML file", "SVG drawing", "HDF5 file", "icon", "OpenEXR"}
	if slices.Contains(spoken, format) {
		return "an " + format
	}
	return "a " + format
}

// tally counts files that are not read by their endings.
type tally map[string]int

func (t tally) add(name string) {
	ending := strings.ToLower(filepath.Ext(name))
	if ending == "" || ending == strings.ToLower(name) {
		ending = "without an ending"
	}
	t[ending]++
}

func (t tally) all(other tally) {
	for ending, n := range other {
		t[ending] += n
	}
}

// String lists the counts, largest first, as "12 .heic, 3 .txt".
func (t tally) String() string {
	endings := make([]string, 0, len(t))
	for e := range t {
		endings = append(endings, e)
	}
	slices.SortFunc(endings, func(a, b string) int {
		if t[a] != t[b] {
			return t[b] - t[a]
		}
		return strings.Compare(a, b)
	})
	for i, e := range endings {
		endings[i] = fmt.Sprintf("%d %s", t[e], e)
	}
	return joined(endings, 8)
}

// joined joins words for a message. It names at most so many and counts the rest.
func joined(words []string, most int) string {
	if len(words) <= most {
		return strings.Join(words, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(words[:most], ", "), len(words)-most)
}
