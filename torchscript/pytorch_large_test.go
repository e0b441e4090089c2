package torchscript_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Offsets have 64 bits. The file has 5 GB, most of it a hole.
func TestFilesOfMoreThan4GB(t *testing.T) {
	const big = 5 << 30
	head := legacy(stateDict(tensor(big/4+1, big/4, []int64{1}, []int64{1})), oneKey, big/4+1, "")
	path := filepath.Join(t.TempDir(), "big.pt")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	_, err = f.Write(head)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{1, 2, 3, 4}, int64(len(head))+big)
	if err != nil {
		t.Skip("no sparse files here: ", err)
	}
	w := open(t, path)
	got, err := w.Read(w.Groups[0].Tensors[0])
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 2, 3, 4}, got.Data)
}

// The zip file of a storage of more than 4 GB has the sizes of zip64.
func TestZip64(t *testing.T) {
	const big = 5 << 30
	path := filepath.Join(t.TempDir(), "big.pt")
	f, err := os.Create(path)
	require.NoError(t, err)
	defer f.Close()
	pickle := stateDict(tensor(big/4, big/4-1, []int64{1}, []int64{1}))
	local := func(name string, size int) string {
		h := append([]byte("PK\x03\x04\x2d\x00\x00\x00\x00\x00\x00\x00\x00\x00"), make([]byte, 12)...)
		binary.LittleEndian.PutUint32(h[18:], uint32(size))
		binary.LittleEndian.PutUint32(h[22:], uint32(size))
		return string(binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(h, uint16(len(name))), 0)) + name
	}
	central := func(name string, size, at uint64) string {
		h := make([]byte, 46)
		copy(h, "PK\x01\x02\x2d\x00\x2d\x00")
		extra := binary.LittleEndian.AppendUint16(binary.LittleEndian.AppendUint16(nil, 1), 24)
		for _, v := range []uint64{size, size, at} {
			extra = binary.LittleEndian.AppendUint64(extra, v)
		}
		for _, o := range []int{20, 24, 42} {
			binary.LittleEndian.PutUint32(h[o:], 0xffffffff)
		}
		binary.LittleEndian.PutUint16(h[28:], uint16(len(name)))
		binary.LittleEndian.PutUint16(h[30:], uint16(len(extra)))
		return string(h) + name + string(extra)
	}
	first := local("a/data/0", 0xffffffff)
	at := int64(len(first)) + big
	second := local("a/data.pkl", len(pickle))
	tail := second + pickle
	directory := central("a/data/0", big, 0) + central("a/data.pkl", uint64(len(pickle)), uint64(at))
	from := uint64(at) + uint64(len(tail))
	end64 := make([]byte, 56)
	copy(end64, "PK\x06\x06\x2c")
	binary.LittleEndian.PutUint64(end64[24:], 2)
	binary.LittleEndian.PutUint64(end64[32:], 2)
	binary.LittleEndian.PutUint64(end64[40:], uint64(len(directory)))
	binary.LittleEndian.PutUint64(end64[48:], from)
	locator := binary.LittleEndian.AppendUint64([]byte("PK\x06\x07\x00\x00\x00\x00"), from+uint64(len(directory)))
	locator = append(locator, 1, 0, 0, 0)
	end := append([]byte("PK\x05\x06\x00\x00\x00\x00\xff\xff\xff\xff"), bytes.Repeat([]byte{0xff}, 8)...)
	tail += directory + string(end64) + string(locator) + string(append(end, 0, 0))
	_, err = f.WriteAt([]byte(first), 0)
	require.NoError(t, err)
	_, err = f.WriteAt([]byte{1, 2, 3, 4}, at-4)
	if err != nil {
		t.Skip("no sparse files here: ", err)
	}
	_, err = f.WriteAt([]byte(tail), at)
	require.NoError(t, err)
	w := open(t, path)
	got, err := w.Read(w.Groups[0].Tensors[0])
	require.NoError(t, err)
	assert.Equal(t, []byte{1, 2, 3, 4}, got.Data)
}
