package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"

	"github.com/icl-msr/icl-msr/datasets"
)

// compare refuses to go on with another network's rows.
func (r *rowFile) compare() error {
	text, err := os.ReadFile(r.about())
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("--resume: no half-written %s; leave --resume out to begin", r.partial())
	}
	if err != nil {
		return err
	}
	var there struct{ Of, Format string }
	if err := json.Unmarshal(text, &there); err != nil {
		return fmt.Errorf("%s: %w; remove it and %s to begin anew", r.about(), err, r.partial())
	}
	if there.Of != r.of || there.Format != r.o.Format {
		return fmt.Errorf("--resume: %s is %s of %s, not %s of %s; choose another --out, or remove it", r.partial(), there.Format, there.Of, r.o.Format, r.of)
	}
	return nil
}

// takeUp finds how far an earlier run came in the pictures' order, and goes to
// the end of its last whole batch: alone, a picture may have other last digits than
// in a batch. A picture that was left out is not tried again.
func (r *rowFile) takeUp(ds datasets.Dataset) (next int, err error) {
	if r.data == nil {
		return 0, r.begin()
	}
	lines := r.data
	limit := int64(math.MaxInt64)
	if r.array() {
		info, err := r.data.Stat()
		if err != nil {
			return 0, err
		}
		lines, limit = r.names, (info.Size()-arrayHeader)/(4*r.dim)
	}
	scan := bufio.NewReaderSize(lines, 1<<20)
	end := int64(0)
	type mark struct {
		next      int
		rows, end int64
	}
	var whole mark // where the batch of the last row begins
	for first := !r.array(); first || r.rows < limit; {
		line, err := scan.ReadString('\n')
		if errors.Is(err, io.EOF) {
			break // a torn last line is written anew
		}
		if err != nil {
			return 0, err
		}
		if first && r.o.Format == "csv" {
			first, end = false, end+int64(len(line))
			continue
		}
		first = false
		name, err := r.nameIn(line)
		if err != nil {
			return 0, fmt.Errorf("--resume: %s, row %d: %w", lines.Name(), r.rows+1, err)
		}
		for next < ds.Len() && oneLine(datasets.PictureName(ds, next)) != name {
			next++
		}
		if next == ds.Len() {
			return 0, fmt.Errorf("--resume: %s, row %d is of %s, which is not next among these pictures; choose another --out, or remove the file", lines.Name(), r.rows+1, name)
		}
		if begin := next / r.o.BatchSize * r.o.BatchSize; begin > whole.next || r.rows == 0 {
			whole = mark{begin, r.rows, end}
		}
		next, r.rows, end = next+1, r.rows+1, end+int64(len(line))
	}
	if next%r.o.BatchSize != 0 && next < ds.Len() {
		next, r.rows, end = whole.next, whole.rows, whole.end
	}
	if err := cutAt(lines, end); err != nil {
		return 0, err
	}
	if r.array() {
		if r.rows == 0 {
			return 0, r.begin()
		}
		return next, cutAt(r.data, arrayHeader+4*r.dim*r.rows)
	}
	if end == 0 {
		return 0, r.begin()
	}
	return next, nil
}

func cutAt(f *os.File, size int64) error {
	if err := f.Truncate(size); err != nil {
		return err
	}
	_, err := f.Seek(size, io.SeekStart)
	return err
}

// nameIn is the picture's name in a row.
func (r *rowFile) nameIn(line string) (string, error) {
	line = strings.TrimSuffix(line, "\n")
	switch r.o.Format {
	case "csv":
		if strings.Count(line, ",") < int(r.dim)+1 {
			return "", errors.New("too few columns")
		}
		return csvName(line), nil
	case "jsonl":
		var row struct{ Name string }
		err := json.Unmarshal([]byte(line), &row)
		return row.Name, err
	}
	name, _, _ := strings.Cut(line, "\t")
	return name, nil
}

// csvName undoes csvField at the start of a line.
func csvName(line string) string {
	if !strings.HasPrefix(line, `"`) {
		name, _, _ := strings.Cut(line, ",")
		return name
	}
	var b strings.Builder
	for i := 1; i < len(line); i++ {
		if line[i] == '"' {
			if i+1 >= len(line) || line[i+1] != '"' {
				break
			}
			i++
		}
		b.WriteByte(line[i])
	}
	return b.String()
}
