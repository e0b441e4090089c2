package interventions

import (
	"bufio"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
)

// WriteStrata writes a line for each picture: its name and its stratum, separated by a tab.
func WriteStrata(w io.Writer, s Strata, ds datasets.Dataset) error {
	b := bufio.NewWriter(w)
	for i, n := range s.Of {
		fmt.Fprintf(b, "%s\t%d\n", datasets.PictureName(ds, i), n)
	}
	return b.Flush()
}

// ReadStrata reads the strata of ds. The file has a line for each picture: its name and a word for its stratum,
// separated by a tab or a comma. The name is the picture's path, the end of its path, or its number. The file may name
// other pictures, too. Words are numbered in the order of their first lines.
func ReadStrata(r io.Reader, ds datasets.Dataset) (Strata, error) {
	words, of := map[string]int{}, map[string]int{}
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		at := strings.LastIndexAny(line, "\t,")
		if at < 1 || at == len(line)-1 {
			return Strata{}, fmt.Errorf("line %d: %q is not a picture, a tab or a comma, and a stratum", n, line)
		}
		name, word := filepath.ToSlash(strings.TrimSpace(line[:at])), strings.TrimSpace(line[at+1:])
		if _, known := words[word]; !known {
			words[word] = len(words)
		}
		if was, twice := of[name]; twice && was != words[word] {
			return Strata{}, fmt.Errorf("line %d: picture %s has two strata", n, name)
		}
		of[name] = words[word]
	}
	if err := lines.Err(); err != nil {
		return Strata{}, err
	}
	out := make([]int, ds.Len())
	for i := range out {
		name := datasets.PictureName(ds, i)
		b, ok := lookUp(of, name)
		if !ok {
			return Strata{}, fmt.Errorf("no line names picture %s (%s of %d)", name, strconv.Itoa(i), ds.Len())
		}
		out[i] = b
	}
	return NewStrata(out)
}

// lookUp finds a picture by its path or by the longest end of its path.
func lookUp(of map[string]int, name string) (int, bool) {
	for name = filepath.ToSlash(name); ; {
		if b, ok := of[name]; ok {
			return b, true
		}
		_, rest, more := strings.Cut(name, "/")
		if !more {
			return 0, false
		}
		name = rest
	}
}
