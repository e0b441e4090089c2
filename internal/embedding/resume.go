package embedding

import (
	"errors"
	"io"
	"math"
	"os"

	"github.com/icl-msr/icl-msr/datasets"
	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/outfile"
	"github.com/icl-msr/icl-msr/internal/usage"
)

// checkExisting returns an error, before the network runs, if there is an output that may be neither resumed nor
// overwritten, or if Resume is set and there is nothing to resume.
func (o *Options) checkExisting() error {
	switch {
	case o.Out == "-" || o.Force:
		return nil
	case o.Resume && !o.begun() && !outfile.Exists(o.Out):
		return field.Errorf("{embedding.Resume}: no half-written %s; leave {embedding.Resume} out to begin", o.partial())
	case o.Resume:
		return nil
	case o.begun():
		return field.Errorf("%s exists from an interrupted run: "+
			"continue it with {embedding.Resume}, or start anew with {embedding.Force}",
			o.partial())
	}
	for _, path := range []string{o.namesFile(), o.aboutFile()} {
		if outfile.Exists(path) {
			return usage.Errorf("{embedding.Out} %s: %s is there already; {embedding.Force} writes over it", o.Out, path)
		}
	}
	return nil
}

// isComplete compares the existing output with the wanted one. It reports whether the output is complete.
func (o *Options) isComplete(want about) (whole bool, err error) {
	rows, path := o.Out, o.aboutFile()
	if o.begun() {
		rows, path = o.partial(), o.partialAbout()
	}
	there, err := readAbout(path, rows)
	if err != nil {
		return false, field.Errorf("{embedding.Resume}: %w", err)
	}
	if d := there.difference(want); d != "" {
		return false, field.Errorf("{embedding.Resume}: %s %s; choose another {embedding.Out}, or "+startOver, rows, d)
	}
	if there.Bytes == 0 {
		return false, nil
	}
	if o.begun() { // interrupted between renaming files
		if err := o.name(); err != nil {
			return false, err
		}
	}
	info, err := os.Stat(o.Out)
	if err != nil {
		return false, err
	}
	if info.Size() != there.Bytes || o.array() && !outfile.Exists(o.namesFile()) {
		return false, field.Errorf("{embedding.Resume}: %s was changed since it was written (%d bytes, not %d), "+
			"or its %s is gone; "+startOver,
			o.Out, info.Size(), there.Bytes, o.namesFile())
	}
	return true, nil
}

// resume finds the picture at which an earlier run resumes, and cuts the file there: the end of its last complete
// batch. A batch is never split, because the last digits of a row depend on the batch's size. A picture that was left
// out is not tried again.
func (r *rowFile) resume(ds datasets.Dataset) (next int, err error) {
	if r.data == nil {
		return 0, r.begin()
	}
	lines, limit := r.data, int64(math.MaxInt64)
	if r.o.array() {
		info, err := r.data.Stat()
		if err != nil {
			return 0, err
		}
		lines, limit = r.names, (info.Size()-arrayHeader)/(4*r.dim)
	}
	type mark struct {
		next      int
		rows, end int64
	}
	var at, whole mark // whole: the beginning of the last row's batch
	for read := namesOf(lines, r.o.Format, int(r.dim)); r.rows < limit; {
		name, end, err := read()
		if errors.Is(err, io.EOF) {
			break // a last row that is cut off is written again
		}
		if err != nil {
			return 0, field.Errorf("{embedding.Resume}: %s, row %d: %w; "+startOver, lines.Name(), r.rows+1, err)
		}
		for at.next < ds.Len() && written(r.o.Format, datasets.PictureName(ds, at.next)) != name {
			at.next++
		}
		if at.next == ds.Len() {
			return 0, field.Errorf("{embedding.Resume}: %s, row %d is of %s, which is not next among these pictures; "+
				"choose another {embedding.Out}, or "+startOver, lines.Name(), r.rows+1, oneLine(name))
		}
		if begin := at.next / r.o.BatchSize * r.o.BatchSize; begin > whole.next || at.rows == 0 {
			whole = mark{begin, at.rows, at.end}
		}
		at = mark{at.next + 1, at.rows + 1, end}
		r.rows = at.rows
	}
	if at.next%r.o.BatchSize != 0 && at.next < ds.Len() {
		at = whole
	}
	if at.rows == 0 {
		at = mark{}
	}
	r.rows = at.rows
	return at.next, r.cut(at.end)
}

// cut keeps r.rows rows. Their lines end at offset end.
func (r *rowFile) cut(end int64) error {
	if r.rows == 0 {
		if err := cutAt(r.data, 0); err != nil {
			return err
		}
		return r.begin()
	}
	if !r.o.array() {
		return cutAt(r.data, end)
	}
	if err := cutAt(r.names, end); err != nil {
		return err
	}
	return cutAt(r.data, arrayHeader+4*r.dim*r.rows)
}

func cutAt(f *os.File, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(size, io.SeekStart)
	return err
}
