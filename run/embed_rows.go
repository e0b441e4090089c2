package main

import (
	"bufio"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/internal/printable"
)

// rowFile is a file of rows that grows: OUT.partial until it is whole. Of arrays
// (npy, safetensors) the names are lines of a second file. OUT.partial.json
// tells what it is of, for who goes on with it.
type rowFile struct {
	o           embedOptions
	dim, rows   int64
	of          string
	data, names *os.File // names: of arrays only
	w, wn       *bufio.Writer
	line        []byte
}

// arrayHeader is the length of what stands before an array's numbers.
const arrayHeader = 256

func (r *rowFile) array() bool { return r.o.Format == "npy" || r.o.Format == "safetensors" }

func (r *rowFile) partial() string { return r.o.Out + ".partial" }
func (r *rowFile) about() string   { return r.partial() + ".json" }

// namesFile is where the names of an array's rows are.
func (r *rowFile) namesFile() string {
	return strings.TrimSuffix(r.o.Out, filepath.Ext(r.o.Out)) + ".names.txt"
}

// openRows begins a file, or with --resume opens what there is of it.
func openRows(p program, o embedOptions, dim int64, of string) (*rowFile, error) {
	r := &rowFile{o: o, dim: dim, of: of}
	if o.Out == "-" {
		r.w = bufio.NewWriter(printable.Data(p.stdout))
		return r, nil
	}
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return nil, err
	}
	flag := os.O_RDWR | os.O_CREATE | os.O_EXCL
	if o.Resume {
		if err := r.compare(); err != nil {
			return nil, err
		}
		flag = os.O_RDWR
	}
	var err error
	if r.data, err = os.OpenFile(r.partial(), flag, 0o644); errors.Is(err, os.ErrExist) {
		return nil, fmt.Errorf("%s is there from an interrupted run: go on with it by --resume, or remove it", r.partial())
	} else if err != nil {
		return nil, err
	}
	if r.array() {
		if r.names, err = os.OpenFile(r.namesFile()+".partial", os.O_RDWR|os.O_CREATE, 0o644); err != nil {
			return nil, errors.Join(err, r.close())
		}
		r.wn = bufio.NewWriter(r.names)
	}
	if !o.Resume {
		text, err := json.Marshal(map[string]string{"of": of, "format": o.Format})
		if err == nil {
			err = os.WriteFile(r.about(), text, 0o644)
		}
		if err != nil {
			return nil, errors.Join(err, r.close())
		}
	}
	r.w = bufio.NewWriterSize(r.data, 1<<20)
	return r, nil
}

// begin writes what stands before the first row.
func (r *rowFile) begin() error {
	switch {
	case r.array():
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

// header is that of an array of the rows so far: of one length, so that it can
// be written over at the end.
func (r *rowFile) header() []byte {
	pad := func(text string, n int) string { return text + strings.Repeat(" ", n-len(text)) }
	if r.o.Format == "npy" {
		text := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", r.rows, r.dim)
		head := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), arrayHeader-10)
		return append(head, pad(text, arrayHeader-11)+"\n"...)
	}
	text := fmt.Sprintf(`{"%s":{"dtype":"F32","shape":[%d,%d],"data_offsets":[0,%d]}}`, r.o.What, r.rows, r.dim, 4*r.rows*r.dim)
	return append(binary.LittleEndian.AppendUint64(nil, arrayHeader-8), pad(text, arrayHeader-8)...)
}

// write adds a row.
func (r *rowFile) write(name, label string, x []float32) error {
	name = oneLine(name)
	b := r.line[:0]
	switch r.o.Format {
	case "csv":
		b = append(append(append(b, csvField(name)...), ','), csvField(oneLine(label))...)
		for _, v := range x {
			b = appendFloat(append(b, ','), v)
		}
		b = append(b, '\n')
	case "jsonl":
		n, _ := json.Marshal(name) // a text always can be
		l, _ := json.Marshal(oneLine(label))
		b = fmt.Appendf(b, `{"name":%s,"label":%s,"%s":[`, n, l, r.o.What)
		for i, v := range x {
			if i > 0 {
				b = append(b, ',')
			}
			if f := float64(v); math.IsNaN(f) || math.IsInf(f, 0) {
				b = append(b, "null"...) // JSON has no other word for it
				continue
			}
			b = appendFloat(b, v)
		}
		b = append(b, "]}\n"...)
	default:
		for _, v := range x {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		line := name
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

// flush hands the rows so far to the system.
func (r *rowFile) flush() error {
	err := r.w.Flush()
	if err == nil && r.wn != nil {
		err = r.wn.Flush()
	}
	if err != nil {
		return fmt.Errorf("cannot write %s: %w; make room, then go on with --resume", r.o.Out, err)
	}
	return nil
}

// finish makes the file whole and gives it its name.
func (r *rowFile) finish() error {
	if err := r.flush(); err != nil || r.data == nil {
		return err
	}
	if r.array() {
		if _, err := r.data.WriteAt(r.header(), 0); err != nil {
			return err
		}
		if err := r.names.Sync(); err != nil {
			return err
		}
		if err := os.Rename(r.names.Name(), r.namesFile()); err != nil {
			return err
		}
	}
	if err := r.data.Sync(); err != nil {
		return err
	}
	if err := os.Rename(r.partial(), r.o.Out); err != nil {
		return err
	}
	return os.Remove(r.about())
}

// close closes the files as they are.
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

// oneLine is a text without line breaks, tabs and what is not UTF-8: such a name
// is written as in Go's source.
func oneLine(s string) string {
	q := strconv.Quote(s)
	if strings.ContainsAny(s, "\n\r\t\x00") || strings.Contains(q, `\x`) {
		return q[1 : len(q)-1]
	}
	return s
}

func csvField(s string) string {
	if strings.ContainsAny(s, "\",") || strings.HasPrefix(s, " ") {
		return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
	}
	return s
}

func appendFloat(b []byte, v float32) []byte { return strconv.AppendFloat(b, float64(v), 'g', -1, 32) }
