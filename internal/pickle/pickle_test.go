package pickle_test

import (
	"encoding/json"
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/icl-msr/icl-msr/internal/pickle"
)

func all(pickle.Global) bool { return true }

// The files were written by Python's own pickle in each protocol
// (testdata/make.py).
func TestPythonsPickles(t *testing.T) {
	data, err := os.ReadFile("testdata/pickles.json")
	require.NoError(t, err)
	var files []struct {
		Name     string
		Protocol int
		Data     []byte
	}
	require.NoError(t, json.Unmarshal(data, &files))
	require.NotEmpty(t, files)
	self := &pickle.List{}
	self.Items = []any{int64(1), self}
	want := map[string]any{
		"scalars": pickle.Tuple{nil, true, false, int64(0), int64(255), int64(65535), int64(-1), int64(1 << 40),
			int64(-1 << 63), int64(1<<63 - 1), 1.5, -0.25},
		"texts": pickle.Tuple{"", "a\\b'\n", "ü€𝄞"},
		"lists": &pickle.List{Items: []any{int64(1), pickle.Tuple{}, pickle.Tuple{int64(1)},
			pickle.Tuple{int64(1), int64(2), int64(3), int64(4)}, &pickle.List{Items: []any{}}}},
		"dict": &pickle.Dict{Keys: []any{"a", int64(2)}, Values: []any{int64(1), &pickle.Dict{}}},
		"self": self,
	}
	for _, f := range files {
		v, n, err := pickle.Read(f.Data, all)
		require.NoError(t, err, "%s, protocol %d", f.Name, f.Protocol)
		assert.Equal(t, len(f.Data), n)
		switch f.Name {
		case "self":
			l := v.(*pickle.List)
			assert.Equal(t, int64(1), l.Items[0])
			assert.Same(t, l, l.Items[1], "it refers to itself")
		case "bytes":
			if f.Protocol >= 3 {
				assert.Equal(t, pickle.Bytes("\x00\xffab"), v)
			} else { // a call that makes them
				assert.Equal(t, pickle.Global{Module: "_codecs", Name: "encode"}, v.(*pickle.Object).Callable)
			}
		case "ordered":
			o := v.(*pickle.Object)
			assert.Equal(t, "collections.OrderedDict", o.Callable.String())
			x, ok := o.Entries.Get("x")
			assert.True(t, ok)
			assert.Equal(t, int64(7), x)
		case "exit":
			_, _, err := pickle.Read(f.Data, func(g pickle.Global) bool { return g.Module == "collections" })
			var refused *pickle.Refused
			require.True(t, errors.As(err, &refused))
			assert.Equal(t, "system", refused.Name)
		default:
			require.Contains(t, want, f.Name)
			assert.Equal(t, want[f.Name], v, "%s, protocol %d", f.Name, f.Protocol)
		}
	}
}

func TestDamagedPickles(t *testing.T) {
	for want, data := range map[string]string{
		"truncated: 1 bytes are wanted":            "",
		"truncated: 4294967295 bytes":              "X\xff\xff\xff\xff",
		"a length of 18446744073709551615":         "\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
		"nothing is left to take":                  "0.",
		"no mark":                                  "t.",
		"nothing was remembered as 3":              "h\x03.",
		"protocol 9":                               "\x80\x09.",
		"operation 0xff is not known":              "\xff",
		"a key without a value":                    "}(K\x01u.",
		"items for int64":                          "K\x01K\x02a.",
		"a call of int64":                          "K\x01)R.",
		`"12x" is no integer`:                      "I12x\n.",
		"a string that is not UTF-8":               "X\x01\x00\x00\x00\xff.",
		"a line without an end":                    "cos",
		"it names os.system, which is not allowed": "cos\nsystem\n.",
	} {
		_, _, err := pickle.Read([]byte(data), nil)
		assert.ErrorContains(t, err, want)
	}
}

func TestIntegersOfMoreThan64Bits(t *testing.T) {
	v, _, err := pickle.Read([]byte("\x8a\x09\x01\x02\x03\x04\x05\x06\x07\x08\x09."), nil)
	require.NoError(t, err)
	assert.Equal(t, pickle.Big("\x01\x02\x03\x04\x05\x06\x07\x08\x09"), v)
	v, _, err = pickle.Read([]byte("\x8a\x09\xff\xff\xff\xff\xff\xff\xff\xff\xff."), nil)
	require.NoError(t, err)
	assert.Equal(t, int64(-1), v, "nine bytes that eight can say")
}

// What is called may be named in several ways; nothing is called.
func TestCallsAreKept(t *testing.T) {
	for want, data := range map[string]string{
		"a.B":   "ca\nB\n(K\x01tR.",
		"a.C":   "(K\x01ia\nC\n.",
		"a.D":   "(ca\nD\nK\x01o.",
		"a.E()": "ca\nE\n)R(K\x01tR.",
		"a.F":   "(X\x06\x00\x00\x00moduleca\nF\ntQ(K\x01t\x81.",
	} {
		v, _, err := pickle.Read([]byte(data), all)
		require.NoError(t, err, want)
		o := v.(*pickle.Object)
		assert.Equal(t, want, o.Callable.String())
		assert.Equal(t, pickle.Tuple{int64(1)}, o.Args)
	}
	v, _, err := pickle.Read([]byte("ca\nG\n)}X\x01\x00\x00\x00kK\x02s\x92."), all)
	require.NoError(t, err)
	k, ok := v.(*pickle.Object).Named.Get("k")
	assert.True(t, ok)
	assert.Equal(t, int64(2), k)
	_, _, err = pickle.Read([]byte("X\x05\x00\x00\x00ab"), nil)
	assert.ErrorIs(t, err, pickle.ErrTruncated)
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01K\x01u."))
	f.Add([]byte("(lp0\nI1\nag0\na."))
	f.Add([]byte("ccollections\nOrderedDict\n)R}b."))
	f.Fuzz(func(t *testing.T, data []byte) {
		_, n, err := pickle.Read(data, all)
		if err == nil && (n < 1 || n > len(data)) {
			t.Fatalf("%d of %d bytes", n, len(data))
		}
	})
}
