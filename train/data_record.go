package train

import (
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/dist"
	"github.com/icl-msr/icl-msr/internal/atomicfile"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/runfolder"
)

// dataRecord has a line for each picture that a run trains on: its name and class, and its file's length and checksum.
// A large set has checksums for some thousands of its pictures only. The folder is left out, since data may move.
type dataRecord []string

// recordData makes the record. In a job it returns an error if ranks have different data, and the error names the first
// picture that differs. Names and classes are compared first, since every picture has them; then the files' contents.
func recordData(job *dist.Job, ds datasets.Dataset) (dataRecord, error) {
	title := func(i int) string { return datasets.Title(ds, i) }
	if job != nil {
		if err := job.Locate("names", pictures(ds.Len(), title)); err != nil {
			return nil, err
		}
	}
	digests := datasets.Digests(ds)
	out := make(dataRecord, ds.Len())
	for i := range out {
		out[i] = strings.ReplaceAll(title(i)+", "+digests[i].String(), "\n", " ")
	}
	if job != nil {
		if err := job.Locate("files", pictures(len(out), func(i int) string { return out[i] })); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// write writes the record into the run folder out.
func (d dataRecord) write(out string) error {
	return atomicfile.Write(runfolder.Data(out), func(w io.Writer) error {
		z := gzip.NewWriter(w)
		for _, line := range d {
			if _, err := io.WriteString(z, line+"\n"); err != nil {
				return err
			}
		}
		return z.Close()
	})
}

// sameAs compares the data with that of the run in folder out. If it is the same, the settings that tell where the data
// is may differ, and sameAs returns their names. A run of an older version has no record: sameAs returns no names.
func (d dataRecord) sameAs(out string) ([]string, error) {
	there, err := readRecord(runfolder.Data(out))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	}
	if text := there.difference(d); text != "" {
		return nil, field.Errorf("{runfolder.Resume}: the data is not what the run in %s began with: %s; bring it back, or "+
			"start another run with another {runfolder.Dir}", out, text)
	}
	return []string{"data-dir", "foreground-dir", "val-labels"}, nil
}

// readRecord reads a record that write has written.
func readRecord(path string) (d dataRecord, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err == nil {
		lines := bufio.NewScanner(z)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			d = append(d, lines.Text())
		}
		err = lines.Err()
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w; remove it, and the data is not compared", path, err)
	}
	return d, nil
}

// difference describes the first picture that differs. It is empty if none does.
func (d dataRecord) difference(now dataRecord) string {
	for i := range min(len(d), len(now)) {
		if d[i] != now[i] {
			return fmt.Sprintf("picture %d was %s, and is %s", i+1, d[i], now[i])
		}
	}
	switch {
	case len(now) > len(d):
		return fmt.Sprintf("there were %d pictures, and are %d: %s is new", len(d), len(now), now[len(d)])
	case len(now) < len(d):
		return fmt.Sprintf("there were %d pictures, and are %d: %s is gone", len(d), len(now), d[len(now)])
	}
	return ""
}

// pictures returns the settings that Job.Locate compares: what tell says of pictures lo to hi of n, or a hash of that.
func pictures(n int, tell func(i int) string) func(lo, hi int) dist.Setting {
	return func(lo, hi int) dist.Setting {
		f := dist.Setting{Name: fmt.Sprintf("picture %d of the data", lo+1)}
		switch {
		case hi == lo+1 && lo < n:
			f.Value = tell(lo)
		case hi == lo+1:
			f.Value = fmt.Sprintf("not there (%d are)", n)
		default:
			h := fnv.New64a()
			for i := lo; i < min(hi, n); i++ {
				fmt.Fprintln(h, tell(i))
			}
			f.Value = fmt.Sprintf("%x", h.Sum64())
		}
		return f
	}
}
