package embedding

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/internal/outfile"
)

// rowFile is a file of rows that grows. Its name is OUT.partial until it is complete. For arrays (npy, safetensors) a
// second file has the names, a line each. OUT.partial.json describes the rows for a later resume. It exists from
// before the first row until all files have their final names.
type rowFile struct {
	o           Options
	about       about
	dim, rows   int64
	data, names *os.File // names is nil unless the format is an array's
	w, wn       *bufio.Writer
	line        []byte
}

// arrayHeader is the length of an array's header in bytes.
const arrayHeader = 256

func (o *Options) array() bool { return o.Format == "npy" || o.Format == "safetensors" }

func (o *Options) partial() string      { return o.Out + ".partial" }
func (o *Options) partialAbout() string { return o.Out + ".partial.json" }
func (o *Options) aboutFile() string    { return o.Out + ".about.json" }
func (o *Options) namesFile() string    { return o.Out + ".names.txt" } // of an array's rows
func (o *Options) partialNames() string { return o.namesFile() + ".partial" }

// begun reports whether an earlier run was interrupted.
func (o *Options) begun() bool {
	return outfile.Exists(o.partialAbout()) || outfile.Exists(o.partial())
}

// open opens the files. It keeps their contents if the run resumes.
func (r *rowFile) open() error {
	if !r.o.Resume {
		if err := r.discard(); err != nil {
			return err
		}
		if err := r.about.write(r.o.partialAbout()); err != nil {
			return err
		}
	}
	var err error
	if r.data, err = os.OpenFile(r.o.partial(), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
		return err
	}
	r.w = bufio.NewWriterSize(r.data, 1<<20)
	if r.o.array() {
		if r.names, err = os.OpenFile(r.o.partialNames(), os.O_RDWR|os.O_CREATE, 0o644); err != nil {
			return err
		}
		r.wn = bufio.NewWriter(r.names)
	}
	return nil
}

// discard removes the files of an incomplete output.
func (r *rowFile) discard() error {
	for _, path := range []string{r.o.partial(), r.o.partialNames(), r.o.partialAbout()} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// drop discards a file that has no rows yet. Standard output has nothing to discard.
func (r *rowFile) drop() error {
	if r.data == nil {
		return nil
	}
	return r.discard()
}

// begin writes the header.
func (r *rowFile) begin() error {
	switch {
	case r.o.array():
		for _, f := range []*os.File{r.data, r.names} {
			if err := cutAt(f, 0); err != nil {
				return err
			}
		}
		_, err := r.w.Write(r.header())
		return err
	case r.o.Format == "csv":
		if _, err := r.w.WriteString("name,label"); err != nil {
			return err
		}
		for i := range r.dim {
			fmt.Fprintf(r.w, ",f%d", i)
		}
		return r.w.WriteByte('\n')
	}
	return nil
}

// header returns the header of an array of the rows so far. Its length does not depend on their number, so that it can
// be overwritten at the end.
func (r *rowFile) header() []byte {
	pad := func(text string, n int) string { return text + strings.Repeat(" ", n-len(text)) }
	if r.o.Format == "npy" {
		text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", r.rows, r.dim)
		head := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), arrayHeader-10)
		return append(head, pad(text, arrayHeader-11)+"\n"...)
	}
	text := fmt.Sprintf(`{"%s":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}`, r.o.What, r.rows, r.dim,
		4*r.rows*r.dim)
	return append(binary.LittleEndian.AppendUint64(nil, arrayHeader-8), pad(text, arrayHeader-8)...)
}

// write appends a row of finite numbers.
func (r *rowFile) write(name, label string, x []float32) error {
	b := r.line[:0]
	switch r.o.Format {
	case "csv":
		b = appendCSV(b, name, label)
		for _, v := range x {
			b = appendFloat(append(b, ','), v)
		}
		b = append(b, '\n')
	case "jsonl":
		b = appendJSON(append(b, `{"name":`...), name)
		b = appendJSON(append(b, `,"label":`...), label)
		b = fmt.Appendf(b, `,"%s":[`, r.o.What)
		for i, v := range x {
			if i > 0 {
				b = append(b, ',')
			}
			b = appendFloat(b, v)
		}
		b = append(b, "]}\n"...)
	default:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		line := oneLine(name)
		if label != "" {
			line += "\t" + oneLine(label)
		}
		if _, err := r.wn.WriteString(line + "\n"); err != nil {
			return err
		}
	}
	r.line = b
	r.rows++
	_, err := r.w.Write(b)
	return err
}

// flush passes the rows so far to the operating system.
func (r *rowFile) flush() error {
	err := r.w.Flush()
	if err == nil && r.wn != nil {
		err = r.wn.Flush()
	}
	if err != nil {
		return field.Errorf("cannot write %s: %w; make room, then resume with {embedding.Resume}", r.o.Out, err)
	}
	return nil
}

// finish completes the file and gives it its final name.
func (r *rowFile) finish() error {
	if err := r.flush(); err != nil || r.data == nil {
		return err
	}
	if r.o.array() {
		if _, err := r.data.WriteAt(r.header(), 0); err != nil {
			return err
		}
		if err := r.names.Sync(); err != nil {
			return err
		}
	}
	if err := r.data.Sync(); err != nil {
		return err
	}
	info, err := r.data.Stat()
	if err != nil {
		return err
	}
	// From here on the files are complete. If the run is interrupted now, resuming only renames them.
	r.about.Rows, r.about.Bytes = r.rows, info.Size()
	if err := r.about.write(r.o.partialAbout()); err != nil {
		return err
	}
	return r.o.name()
}

// name renames the files that do not have their final names yet.
func (o *Options) name() error {
	for _, move := range [][2]string{{o.partialNames(), o.namesFile()}, {o.partial(), o.Out},
		{o.partialAbout(), o.aboutFile()}} {
		if err := os.Rename(move[0], move[1]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// close closes the files without renaming them.
func (r *rowFile) close() error {
	var err error
	if r.w != nil {
		err = r.flush()
	}
	for _, f := range []*os.File{r.data, r.names} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

func appendFloat(b []byte, v float32) []byte { return strconv.AppendFloat(b, float64(v), 'g', -1, 32) }
