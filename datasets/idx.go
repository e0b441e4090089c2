package datasets

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// idx is an array of bytes in LeCun's IDX format.
type idx struct {
	dims []int
	data []byte
}

// readIDX reads path or path.gz.
func readIDX(path string, rank int) (idx, error) {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		var packed []byte
		if packed, err = os.ReadFile(path + ".gz"); err == nil {
			path += ".gz"
			data, err = gunzip(packed)
		} else if os.IsNotExist(err) {
			return idx{}, fmt.Errorf("neither %s nor %s.gz exists", path, filepath.Base(path))
		}
	}
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w", path, err)
	}
	x, err := parseIDX(data, rank)
	if err != nil {
		return idx{}, fmt.Errorf("%s: %w", path, err)
	}
	return x, nil
}

// maxIDX bounds the bytes of an unpacked IDX file.
const maxIDX = 1 << 30

func gunzip(packed []byte) ([]byte, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	data, err := io.ReadAll(io.LimitReader(z, maxIDX+1))
	if err == nil && len(data) > maxIDX {
		err = fmt.Errorf("unpacks to more than %d bytes", maxIDX)
	}
	return data, err
}

func parseIDX(data []byte, rank int) (idx, error) {
	header := 4 + 4*rank
	if len(data) < header {
		return idx{}, fmt.Errorf("truncated at offset %d, in its header of %d bytes", len(data), header)
	}
	if want := uint32(0x0800 + rank); binary.BigEndian.Uint32(data) != want {
		return idx{}, fmt.Errorf(
			"magic number %#08x at offset 0; want %#08x (bytes of %d dimensions)",
			binary.BigEndian.Uint32(data),
			want,
			rank,
		)
	}
	x := idx{}
	total := uint64(1)
	for k := range rank {
		n := binary.BigEndian.Uint32(data[4+4*k:])
		if n == 0 || total > maxIDX/uint64(n) {
			return idx{}, fmt.Errorf(
				"dimension %d at offset %d; want 1 or more, and at most %d bytes in all",
				n,
				4+4*k,
				maxIDX,
			)
		}
		total *= uint64(n)
		x.dims = append(x.dims, int(n))
	}
	if got := uint64(len(data) - header); got != total {
		return idx{}, fmt.Errorf("%d bytes of data after offset %d; its header declares %d", got, header, total)
	}
	x.data = data[header:]
	return x, nil
}
