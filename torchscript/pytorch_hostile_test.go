package torchscript_test

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/torchscript"
)

// number pushes an integer of up to 8 bytes.
func number(n int64) string {
	return "\x8a\x08" + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
}

func text(s string) string { return "\x8c" + string(rune(len(s))) + s }

func tuple(items ...int64) string {
	var b strings.Builder
	b.WriteByte('(')
	for _, n := range items {
		b.WriteString(number(n))
	}
	b.WriteByte('t')
	return b.String()
}

// tensor is the pickled call that makes a float32 tensor of storage "0".
func tensor(count, offset int64, shape, strides []int64) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n((" +
		text("storage") + "ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(count) + "tQ" +
		number(offset) + tuple(shape...) + tuple(strides...) + "\x89NtR"
}

// stateDict is the pickle of {"w": value}.
func stateDict(value string) string { return "\x80\x02}" + text("w") + value + "s." }

type zipEntry struct {
	name, data string
	method     uint16
}

func zipped(t testing.TB, entries ...zipEntry) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, e := range entries {
		w, err := z.CreateHeader(&zip.FileHeader{Name: e.name, Method: e.method})
		require.NoError(t, err)
		_, err = w.Write([]byte(e.data))
		require.NoError(t, err)
	}
	require.NoError(t, z.Close())
	return b.Bytes()
}

func modern(t testing.TB, pickle, storage string, more ...zipEntry) []byte {
	return zipped(t, append([]zipEntry{{"a/data.pkl", pickle, zip.Store}, {"a/data/0", storage, zip.Store}}, more...)...)
}

// legacy is a file of PyTorch before 1.6 with a list of keys.
func legacy(pickle, keys string, count uint64, storage string) []byte {
	head := "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.\x80\x02M\xe9\x03.\x80\x02}." + pickle + keys
	return append(binary.LittleEndian.AppendUint64([]byte(head), count), storage...)
}

const oneKey = "\x80\x02]\x8c\x010a."

// attempt opens a file and reads all its tensors. It returns the first error.
func attempt(t testing.TB, data []byte) error {
	path := filepath.Join(t.TempDir(), "x.pt")
	require.NoError(t, os.WriteFile(path, data, 0o600))
	w, err := torchscript.OpenWeights(path)
	if err != nil {
		return err
	}
	defer w.Close()
	for _, g := range w.Groups {
		for _, s := range g.Tensors {
			if _, err := w.Read(s); err != nil {
				return err
			}
		}
	}
	return nil
}

func TestHostileTensors(t *testing.T) {
	const max = 1<<63 - 1
	good := stateDict(tensor(4, 0, []int64{2, 2}, []int64{2, 1}))
	require.NoError(t, attempt(t, modern(t, good, string(make([]byte, 16)))), "the base of what follows")
	require.NoError(t, attempt(t, legacy(good, oneKey, 4, string(make([]byte, 16)))))
	for name, c := range map[string]struct{ tensor, want string }{
		"storage beyond the file": {
			tensor(5, 0, []int64{5}, []int64{1}), "should have 5 numbers, the file has 16 bytes of it",
		},
		"a storage of exabytes":    {tensor(max, 0, []int64{1}, []int64{1}), "a storage of 9223372036854775807 numbers"},
		"a storage of all numbers": {tensor(1<<60, 0, []int64{1 << 60}, []int64{1}), "the file has 16 bytes of it"},
		"a negative count":         {tensor(-1, 0, []int64{1}, []int64{1}), "of -1 numbers"},
		"offset behind the end":    {tensor(4, 4, []int64{1}, []int64{1}), "in a storage of 4 numbers"},
		"negative offset":          {tensor(4, -1, []int64{1}, []int64{1}), "offset -1"},
		"overflowing offset":       {tensor(4, max, []int64{2}, []int64{1}), "offset 9223372036854775807"},
		"negative stride":          {tensor(4, 3, []int64{2}, []int64{-1}), "strides [-1]"},
		"overflowing stride":       {tensor(4, 0, []int64{3, 3}, []int64{max / 2, max / 2}), "with strides"},
		"negative shape":           {tensor(4, 0, []int64{-2}, []int64{1}), "shape [-2]"},
		"more shape than strides":  {tensor(4, 0, []int64{2, 2}, []int64{1}), "strides [1]"},
		"an expanded exabyte":      {tensor(4, 0, []int64{1 << 58}, []int64{0}), "the file has"},
		"overflowing expansion": {
			tensor(4, 0, []int64{1 << 40, 1 << 40}, []int64{0, 0}), "shape [1099511627776 1099511627776]",
		},
		"too many dimensions": {tensor(4, 0, make([]int64, 65), make([]int64, 65)), "shape"},
		"no arguments":        {"ctorch._utils\n_rebuild_tensor_v2\n)R", "with 0 arguments"},
		"no storage":          {"ctorch._utils\n_rebuild_tensor_v2\n(K\x00K\x00))tR", "no storage"},
		"a storage of another's": {
			strings.ReplaceAll(tensor(4, 0, []int64{1}, []int64{1}), "ctorch\nFloat", "cother\nFloat"), "other.FloatStorage",
		},
		"an empty parameter": {"ctorch._utils\n_rebuild_parameter\n)R", "_rebuild_parameter"},
	} {
		err := attempt(t, modern(t, stateDict(c.tensor), string(make([]byte, 16))))
		assert.ErrorContains(t, err, c.want, name)
	}
	outside := strings.ReplaceAll(tensor(4, 0, []int64{1}, []int64{1}), text("0"), text("../0"))
	assert.ErrorContains(t, attempt(t, modern(t, stateDict(outside), "")), "no entry a/data/../0")
}

func TestHostileZips(t *testing.T) {
	good := stateDict(tensor(4, 0, []int64{4}, []int64{1}))
	storage := string(make([]byte, 16))
	for want, data := range map[string][]byte{
		`two entries named "a/data/0"`:   modern(t, good, storage, zipEntry{"a/data/0", storage, zip.Store}),
		`an entry named "../../x"`:       modern(t, good, storage, zipEntry{"../../x", "", zip.Store}),
		`an entry named "/etc/x"`:        modern(t, good, storage, zipEntry{"/etc/x", "", zip.Store}),
		`both a/data.pkl and b/data.pkl`: modern(t, good, storage, zipEntry{"b/data.pkl", good, zip.Store}),
		"without data.pkl":               zipped(t, zipEntry{"a/x", "", zip.Store}),
		"entry a/data/0 is compressed": zipped(
			t, zipEntry{"a/data.pkl", good, zip.Store}, zipEntry{"a/data/0", storage, zip.Deflate},
		),
		"entry a/data.pkl is compressed": zipped(t, zipEntry{"a/data.pkl", good, zip.Deflate}),
		"numbers are big-endian":         modern(t, good, storage, zipEntry{"a/byteorder", "big", zip.Store}),
		"want at most 16": modern(
			t, good, storage, zipEntry{"a/byteorder", strings.Repeat("x", 99), zip.Store},
		),
		"data.pkl: pickle at offset 2":    modern(t, "\x80\x02", ""),
		"no dictionary of tensors":        modern(t, "\x80\x02}.", ""),
		"a zip file without a table of":   []byte("PK\x03\x04 and nothing more"),
		"the zip entries":                 overlapping(t, good, storage),
		"names os.system, which is not":   modern(t, stateDict("cos\nsystem\n(tR"), storage),
		"names builtins.eval, which is":   modern(t, stateDict("cbuiltins\neval\n(tR"), storage),
		"names __builtin__.exec, which":   modern(t, stateDict("c__builtin__\nexec\n(tR"), storage),
		"names subprocess.Popen, which":   modern(t, stateDict("csubprocess\nPopen\n(tR"), storage),
		"an object of a.B, not a diction": modern(t, "\x80\x02ca\nB\n(tR.", storage),
	} {
		assert.ErrorContains(t, attempt(t, data), want, want)
	}
}

// overlapping makes the storage's entry begin inside of the pickle's entry.
func overlapping(t *testing.T, pickle, storage string) []byte {
	inner := "PK\x03\x04" + string(make([]byte, 26))
	data := modern(t, pickle+inner, storage)
	at := bytes.Index(data, []byte(pickle+inner)) + len(pickle)
	central := bytes.Index(data, []byte("PK\x01\x02"))
	second := central + 4 + bytes.Index(data[central+4:], []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[second+42:], uint32(at))
	return data
}

func TestHostileLegacyFiles(t *testing.T) {
	good := stateDict(tensor(4, 0, []int64{4}, []int64{1}))
	storage := string(make([]byte, 16))
	for want, data := range map[string][]byte{
		"has 5 numbers of 4 bytes":         legacy(good, oneKey, 5, storage),
		"has 18446744073709551615 numbers": legacy(good, oneKey, 1<<64-1, storage),
		`storage "0" comes twice`:          legacy(good, "\x80\x02]\x8c\x010a\x8c\x010a.", 2, storage),
		`storage "9" at offset`:            legacy(good, "\x80\x02]\x8c\x019a.", 4, storage),
		`no storage "0" in the file`:       legacy(good, "\x80\x02].", 4, storage),
		"a list of storages of type int64": legacy(good, "\x80\x02K\x00.", 4, storage),
		"a storage's key of type int64":    legacy(good, "\x80\x02]K\x00a.", 4, storage),
		"protocol 7 of torch.save": bytes.Replace(
			legacy(good, oneKey, 4, storage), []byte("M\xe9\x03"), []byte("M\x07\x00"), 1,
		),
		"object, from offset 25":                       legacy("\x80\x02(", "", 4, storage),
		"a view of 5 numbers from 0 of 4":              legacy(withView(good, tuple3("v", 0, 5)), oneKey, 4, storage),
		"a view of 1 numbers from 9223372036854775807": legacy(withView(good, tuple3("v", 1<<63-1, 1)), oneKey, 4, storage),
	} {
		assert.ErrorContains(t, attempt(t, data), want, want)
	}
	view := stateDict(tensor(4, 1, []int64{2}, []int64{1}))
	numbers := string([]byte{0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0})
	path := filepath.Join(t.TempDir(), "view.pt")
	require.NoError(t, os.WriteFile(path, legacy(withView(view, tuple3("v", 1, 3)), oneKey, 4, numbers), 0o600))
	w := open(t, path)
	got, err := w.Read(w.Groups[0].Tensors[0])
	require.NoError(t, err)
	assert.Equal(t, []byte{2, 0, 0, 0, 3, 0, 0, 0}, got.Data, "an offset in a view of a part of the storage")
}

func tuple3(key string, from, count int64) string {
	return "(" + text(key) + number(from) + number(count) + "t"
}

func withView(pickle, view string) string { return strings.Replace(pickle, "tQ", view+"tQ", 1) }

// A few bytes can describe values that refer to themselves, are deeply nested, or would have no end if written out.
func TestHostileShapesOfPickles(t *testing.T) {
	w := text("w") + tensor(4, 0, []int64{4}, []int64{1}) + "s"
	self := "\x80\x02}q\x00" + w + text("self") + "h\x00s."
	deep := "\x80\x02" + "}" + w + strings.Repeat(text("k")+"}", 5000) + strings.Repeat("s", 5000) + "."
	bomb := "\x80\x02}" + w + text("b") + ")" + strings.Repeat("2\x86", 200) + "s."
	doubled := strings.Repeat("q\x010}("+text("x")+"h\x01"+text("y")+"h\x01u", 200)
	bombs := "\x80\x02}" + w + text("b") + "}" + doubled + "s."
	for name, p := range map[string]string{"self": self, "deep": deep, "tuples": bomb, "dictionaries": bombs} {
		require.NoError(t, attempt(t, modern(t, p, string(make([]byte, 16)))), name)
		require.NoError(t, attempt(t, legacy(p, oneKey, 4, string(make([]byte, 16)))), name)
	}
}
