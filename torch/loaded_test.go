package torch_test

import (
	"debug/elf"
	"encoding/binary"
	"runtime"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A program that is started with another LibTorch says so, if the loader lets it
// start: what the loader looks up at once has to be weak (shim/compat.hpp).
func TestWhatTheLoaderLooksUpIsWeak(t *testing.T) {
	if runtime.GOOS != "linux" || runtime.GOARCH != "amd64" {
		t.Skip("reads Linux's relocations of x86-64")
	}
	f, err := elf.Open("/proc/self/exe")
	require.NoError(t, err)
	defer f.Close()
	symbols, err := f.DynamicSymbols()
	require.NoError(t, err)
	table := f.Section(".rela.dyn")
	require.NotNil(t, table)
	data, err := table.Data()
	require.NoError(t, err)
	const size = 24 // of Elf64_Rela: offset, info, addend
	weak := 0
	for ; len(data) >= size; data = data[size:] {
		index := binary.LittleEndian.Uint64(data[8:]) >> 32
		if index == 0 {
			continue
		}
		s := symbols[index-1] // without the first, which is none
		if s.Section != elf.SHN_UNDEF || s.Version != "" {
			continue // the program's own, or the C and C++ libraries', which have versions
		}
		if elf.ST_BIND(s.Info) == elf.STB_WEAK {
			weak++
			continue
		}
		assert.Failf(t, "not weak", "%s: add it to compat.hpp", s.Name)
	}
	assert.Positive(t, weak)
}
