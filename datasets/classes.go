package datasets

import (
	_ "embed" // for the list below
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
)

//go:embed imagenet100.txt
var imageNet100 string

// ImageNet100 makes ParseClasses return the classes of ImageNet-100 (CMC's list, arXiv 1906.05849).
const ImageNet100 = "imagenet-100"

// ParseClasses reads a list of classes. s is a comma-separated list, a file with one class at the
// start of each line, or ImageNet100.
func ParseClasses(s string) ([]string, error) {
	switch {
	case s == "":
		return nil, nil
	case s == ImageNet100:
		return firstWords(strings.Split(strings.TrimSpace(imageNet100), "\n")), nil
	case !isFile(s):
		return strings.Split(s, ","), nil
	}
	lines, err := readLines(s)
	if err != nil {
		return nil, field.Errorf("{datasets.Classes}: %w", err)
	}
	out := firstWords(lines)
	if len(out) == 0 {
		return nil, field.Errorf("{datasets.Classes}: %s names none", s)
	}
	return out, nil
}

// firstWords returns the first word of each line that is not a comment (#).
func firstWords(lines []string) (out []string) {
	for _, l := range lines {
		if !strings.HasPrefix(l, "#") {
			out = append(out, strings.Fields(l)[0])
		}
	}
	return out
}
