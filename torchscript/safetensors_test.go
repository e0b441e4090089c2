package torchscript_test

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

func sample() []torchscript.Tensor {
	return []torchscript.Tensor{
		{Name: "b.weight", DType: "F32", Shape: []int64{2, 1}, Data: []byte{0, 0, 128, 63, 0, 0, 0, 64}},
		{Name: "a \"quoted\"", DType: "I64", Shape: []int64{}, Data: []byte{7, 0, 0, 0, 0, 0, 0, 0}},
		{Name: "empty", DType: "U8", Shape: []int64{0, 5}, Data: []byte{}},
	}
}

func TestRoundTrip(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	meta := map[string]string{"config": `{"lr": 0.1}`}
	require.NoError(t, torchscript.WriteSafetensorsFile(path, sample(), meta))
	got, m, err := torchscript.ReadSafetensorsFile(path)
	require.NoError(t, err)
	assert.Equal(t, meta, m)
	assert.ElementsMatch(t, sample(), got)
	x, ok := torchscript.Find(got, "b.weight")
	assert.True(t, ok)
	assert.Equal(t, sample()[0], x)
}

// The fixture was written by Python's safetensors 0.4: {"w": arange(6).reshape(2, 3), "n": int64 3}, with metadata
// {"by": "python"}.
func TestReadsPythonsFile(t *testing.T) {
	got, meta, err := torchscript.ReadSafetensorsFile("testdata/python.safetensors")
	require.NoError(t, err)
	assert.Equal(t, map[string]string{"by": "python"}, meta)
	w, ok := torchscript.Find(got, "w")
	require.True(t, ok)
	assert.Equal(t, []int64{2, 3}, w.Shape)
	assert.Equal(t, "F32", w.DType)
	assert.Equal(t, []byte{0, 0, 160, 64}, w.Data[20:], "5 at the end")
}

func TestWriteRefuses(t *testing.T) {
	var b bytes.Buffer
	twice := append(sample(), sample()[0])
	assert.ErrorContains(t, torchscript.WriteSafetensors(&b, twice, nil), `two tensors named "b.weight"`)
	short := sample()[:1]
	short[0].Data = short[0].Data[:4]
	assert.ErrorContains(t, torchscript.WriteSafetensors(&b, short, nil), "with 4 bytes")
}

func file(header string, body int) []byte {
	out := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(out, header...), make([]byte, body)...)
}

func TestParseNamesWhatIsWrong(t *testing.T) {
	for want, data := range map[string][]byte{
		"truncated at offset 3":               {1, 2, 3},
		"header of 1000000 bytes at offset 8": binary.LittleEndian.AppendUint64(nil, 1000000),
		"header at offset 13":                 file(`{"a":`, 0),
		"the file ends at":                    file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, 15),
		"shape [3] in 16 bytes":               file(`{"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}}`, 16),
		"unknown dtype":                       file(`{"a":{"dtype":"X","shape":[4],"data_offsets":[0,16]}}`, 16),
		"shape [4611686018427387904 4]": file(
			`{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,0]}}`, 0,
		),
		"shape [-1]": file(`{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,0]}}`, 0),
		`the name "a" comes twice`: file(
			`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2,
		),
		"two data_offsets":             file(`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2,9]}}`, 2),
		"want dtype, shape":            file(`{"a":{"dtype":"U8","shape":null,"data_offsets":[0,1]}}`, 1),
		"data_offsets is missing":      file(`{"a":{"dtype":"U8","shape":[0]}}`, 0),
		"not an object":                file(`null`, 0),
		"more after the closing brace": file(`{}{}`, 0),
		"data_offsets [0, 9223372036854775807": file(
			`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,9223372036854775807]}}`, 2,
		),
		"the one before ends at": file(
			`{"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}}`, 2,
		),
		"2 bytes after the last": file(`{}`, 2),
	} {
		_, _, err := torchscript.ParseSafetensors(data)
		assert.ErrorContains(t, err, want)
	}
}

// A header that declares a petabyte is an error.
func TestTruncatedFileIsNamedBeforeItIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	data := file(`{"a":{"dtype":"U8","shape":[1125899906842624],"data_offsets":[0,1125899906842624]}}`, 4)
	require.NoError(t, os.WriteFile(path, data, 0o600))
	_, _, err := torchscript.ReadSafetensorsFile(path)
	assert.ErrorContains(t, err, path)
	assert.ErrorContains(t, err, "truncated")
	assert.ErrorContains(t, torchscript.CheckSafetensorsFile(path), "truncated")
	require.NoError(t, os.Truncate(path, 5))
	assert.ErrorContains(t, torchscript.CheckSafetensorsFile(path), "truncated at offset 5")
	assert.ErrorContains(t, torchscript.CheckSafetensorsFile(filepath.Dir(path)), "not a regular file")
	require.NoError(t, torchscript.CheckSafetensorsFile("testdata/python.safetensors"))
}

func TestAFailedWriteKeepsTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.safetensors")
	require.NoError(t, os.WriteFile(path, []byte("old"), 0o600))
	bad := []torchscript.Tensor{{Name: "a", DType: "F32", Shape: []int64{1}}}
	require.Error(t, torchscript.WriteSafetensorsFile(path, bad, nil))
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	assert.Equal(t, "old", string(data))
	entries, err := os.ReadDir(filepath.Dir(path))
	require.NoError(t, err)
	assert.Len(t, entries, 1, "no temporary file is left")
}

func FuzzParseSafetensors(f *testing.F) {
	var b bytes.Buffer
	_ = torchscript.WriteSafetensors(&b, sample(), map[string]string{"k": "v"})
	f.Add(b.Bytes())
	f.Add(file(`{"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}`, 16))
	f.Fuzz(func(t *testing.T, data []byte) {
		tensors, meta, err := torchscript.ParseSafetensors(data)
		if err != nil {
			return
		}
		var b bytes.Buffer
		require.NoError(t, torchscript.WriteSafetensors(&b, tensors, meta))
		again, _, err := torchscript.ParseSafetensors(b.Bytes())
		require.NoError(t, err)
		require.Len(t, again, len(tensors))
	})
}
