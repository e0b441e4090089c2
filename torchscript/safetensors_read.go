package torchscript

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
)

// ReadSafetensorsFile reads a file. The header is checked against the file's size before the tensors are read. Errors
// name file and offset.
func ReadSafetensorsFile(path string) ([]Tensor, map[string]string, error) {
	f, size, head, err := openSafetensors(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	body := make([]byte, size-head.end)
	if _, err := io.ReadFull(f, body); err != nil {
		return nil, nil, fmt.Errorf("%s: after offset %d: %w", path, head.end, err)
	}
	return head.tensors(body), head.metadata, nil
}

// CheckSafetensorsFile reports what is wrong with a file's header or size. It does not read the tensors' bytes.
func CheckSafetensorsFile(path string) error {
	f, _, _, err := openSafetensors(path)
	if err != nil {
		return err
	}
	return f.Close()
}

func openSafetensors(path string) (*os.File, int64, checkedHeader, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, checkedHeader{}, err
	}
	size, head, err := readHeader(f)
	if err != nil {
		f.Close()
		return nil, 0, checkedHeader{}, fmt.Errorf("%s: %w", path, err)
	}
	return f, size, head, nil
}

func readHeader(f *os.File) (int64, checkedHeader, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, checkedHeader{}, err
	}
	if !info.Mode().IsRegular() {
		return 0, checkedHeader{}, errors.New("safetensors: not a regular file")
	}
	var length [8]byte
	n, err := io.ReadFull(f, length[:])
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return 0, checkedHeader{}, err
	}
	end, err := headerEnd(length[:n], info.Size())
	if err != nil {
		return 0, checkedHeader{}, err
	}
	text := make([]byte, end-8)
	if _, err := io.ReadFull(f, text); err != nil {
		return 0, checkedHeader{}, fmt.Errorf("safetensors: header at offset 8: %w", err)
	}
	head, err := parseHeader(text, info.Size())
	return info.Size(), head, err
}

// ParseSafetensors reads the bytes of a file. The tensors share them, and are in the order of their data.
func ParseSafetensors(data []byte) ([]Tensor, map[string]string, error) {
	size := int64(len(data))
	end, err := headerEnd(data[:min(8, len(data))], size)
	if err != nil {
		return nil, nil, err
	}
	head, err := parseHeader(data[8:end], size)
	if err != nil {
		return nil, nil, err
	}
	return head.tensors(data[end:]), head.metadata, nil
}

// headerEnd returns where the header of a file of the given size ends.
func headerEnd(length []byte, size int64) (int64, error) {
	if len(length) < 8 {
		return 0, fmt.Errorf("safetensors: truncated at offset %d, in the header's length", len(length))
	}
	n := binary.LittleEndian.Uint64(length)
	if n > maxHeader || n > uint64(size-8) {
		return 0, fmt.Errorf("safetensors: header of %d bytes at offset 8 in a file of %d: "+
			"truncated, or no safetensors file", n, size)
	}
	return 8 + int64(n), nil
}

// checkedHeader is a header that agrees with its file.
type checkedHeader struct {
	entries  []entry // in the order of their data
	metadata map[string]string
	end      int64 // offset of the first byte after the header
}

type entry struct {
	name, dtype string
	shape       []int64
	from, to    int64 // relative to the header's end
}

func (h checkedHeader) tensors(body []byte) []Tensor {
	out := make([]Tensor, len(h.entries))
	for i, e := range h.entries {
		out[i] = Tensor{e.name, e.dtype, e.shape, body[e.from:e.to:e.to]}
	}
	return out
}

// parseHeader checks a header against the size of its file. Tensors must follow each other without gaps and fill the
// file, as Python's safetensors demands.
func parseHeader(text []byte, size int64) (checkedHeader, error) {
	h := checkedHeader{end: 8 + int64(len(text))}
	if err := h.fields(text); err != nil {
		return h, err
	}
	slices.SortStableFunc(h.entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to))
	})
	at := int64(0)
	for _, e := range h.entries {
		if e.to > size-h.end {
			return h, fmt.Errorf("safetensors: tensor %q at offset %d to %d; the file ends at %d: truncated",
				e.name, h.end+e.from, h.end+e.to, size)
		}
		if e.from != at {
			return h, fmt.Errorf("safetensors: tensor %q begins at offset %d, the one before ends at %d",
				e.name, h.end+e.from, h.end+at)
		}
		at = e.to
	}
	if h.end+at != size {
		return h, fmt.Errorf("safetensors: %d bytes after the last tensor, from offset %d", size-h.end-at, h.end+at)
	}
	for _, e := range h.entries {
		n, err := bytesIn(e)
		if err != nil {
			return h, fmt.Errorf("safetensors: tensor %q at offset %d: %w", e.name, h.end+e.from, err)
		}
		if n != e.to-e.from {
			return h, fmt.Errorf("safetensors: tensor %q at offset %d: %s of shape %v in %d bytes",
				e.name, h.end+e.from, e.dtype, e.shape, e.to-e.from)
		}
	}
	return h, nil
}

// bytesIn is the number of bytes of an entry. It also knows the types that are not read.
func bytesIn(e entry) (int64, error) {
	bits, unread := unreadBits()[e.dtype]
	if !unread {
		return bytesOf(e.dtype, e.shape)
	}
	n, err := bytesOf("U8", e.shape)
	if err != nil || n > math.MaxInt64/bits {
		return 0, fmt.Errorf("shape %v", e.shape)
	}
	return n * bits / 8, nil
}

// fields reads the header's members one by one. A map would hide a name that comes twice.
func (h *checkedHeader) fields(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	wrong := func(err error) error {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return fmt.Errorf("safetensors: header at offset %d: %w", 8+dec.InputOffset(), err)
	}
	if t, err := dec.Token(); err != nil {
		return wrong(err)
	} else if t != json.Delim('{') {
		return wrong(errors.New("not an object"))
	}
	seen := map[string]bool{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return wrong(err)
		}
		name, _ := t.(string)
		if seen[name] {
			return wrong(fmt.Errorf("the name %q comes twice", name))
		}
		seen[name] = true
		if name == metadataKey {
			if err := dec.Decode(&h.metadata); err != nil {
				return wrong(fmt.Errorf("metadata: %w", err))
			}
			continue
		}
		var raw map[string]json.RawMessage
		if err := dec.Decode(&raw); err != nil {
			return wrong(fmt.Errorf("tensor %q: %w", name, err))
		}
		e, err := parseEntry(name, raw)
		if err != nil {
			return wrong(fmt.Errorf("tensor %q: %w", name, err))
		}
		if e.from < 0 || e.to < e.from || e.to > math.MaxInt64-h.end {
			return wrong(fmt.Errorf("tensor %q: data_offsets [%d, %d]", name, e.from, e.to))
		}
		h.entries = append(h.entries, e)
	}
	if _, err := dec.Token(); err != nil {
		return wrong(err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return wrong(errors.New("more after the closing brace"))
	}
	return nil
}

func parseEntry(name string, raw map[string]json.RawMessage) (entry, error) {
	e := entry{name: name}
	var offsets []int64
	for _, f := range []struct {
		key string
		to  any
	}{{"dtype", &e.dtype}, {"shape", &e.shape}, {"data_offsets", &offsets}} {
		if err := json.Unmarshal(raw[f.key], f.to); raw[f.key] == nil || err != nil {
			return e, fmt.Errorf("%s is missing or of another type: %s", f.key, raw[f.key])
		}
	}
	if e.shape == nil || len(offsets) != 2 || len(raw) != 3 {
		return e, errors.New("want dtype, shape and two data_offsets")
	}
	e.from, e.to = offsets[0], offsets[1]
	return e, nil
}
