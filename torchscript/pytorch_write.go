package torchscript

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"strconv"
	"strings"

	"github.com/icl-msr/icl-msr/internal/atomicfile"
)

// WriteStateDict writes tensors as torch.save(OrderedDict, file) does since PyTorch 1.6. torch.load(file,
// weights_only=True) reads them in this order. The zip archive is not compressed, and each tensor's bytes begin at a
// multiple of 64, as memory maps need it.
func WriteStateDict(w io.Writer, tensors []Tensor) error {
	index, err := pickleStateDict(tensors)
	if err != nil {
		return err
	}
	z := storer{count: &counter{w: w}, sums: crc32.NewIEEE()}
	z.zip = zip.NewWriter(z.count)
	z.store("data.pkl", index)
	z.store("byteorder", []byte("little"))
	for i, t := range tensors {
		z.store("data/"+strconv.Itoa(i), t.Data)
	}
	z.store("version", []byte("3\n"))
	// The file's identity has 40 digits. They follow from names and contents, so that the same tensors give the same
	// file.
	z.store(".data/serialization_id", fmt.Appendf(nil, "%020d%020d", crc32.ChecksumIEEE(index), z.sums.Sum32()))
	if z.err != nil {
		return z.err
	}
	return z.zip.Close()
}

// WriteStateDictFile is WriteStateDict to a file. It writes a temporary file, syncs it and renames it to path.
func WriteStateDictFile(path string, tensors []Tensor) error {
	return atomicfile.Write(path, func(w io.Writer) error { return WriteStateDict(w, tensors) })
}

// storer writes entries of a zip archive one after the other. It keeps the first error.
type storer struct {
	zip   *zip.Writer
	count *counter
	sums  interface {
		io.Writer
		Sum32() uint32
	}
	err error
}

const (
	alignment   = 64
	localHeader = 30 // bytes before an entry's name
)

// store adds an entry. Its extra field "FB", as PyTorch has it, pads the entry so that its contents begin at a multiple
// of the alignment.
func (z *storer) store(name string, data []byte) {
	if z.err != nil {
		return
	}
	if z.err = z.zip.Flush(); z.err != nil { // count is then the place of the header
		return
	}
	name = "archive/" + name
	const field = 4 // a field's own identity and size
	at := z.count.n + localHeader + int64(len(name)) + field
	pad := int((alignment - at%alignment) % alignment)
	extra := binary.LittleEndian.AppendUint16([]byte("FB"), uint16(pad))
	size, sum := uint64(len(data)), crc32.ChecksumIEEE(data)
	fmt.Fprintf(z.sums, "%d", sum)
	var out io.Writer
	out, z.err = z.zip.CreateRaw(&zip.FileHeader{
		Name: name, Method: zip.Store, Extra: append(extra, bytes.Repeat([]byte{'Z'}, pad)...),
		CRC32: sum, CompressedSize64: size, UncompressedSize64: size,
	})
	if z.err == nil {
		_, z.err = out.Write(data)
	}
}

// counter counts the bytes that are written.
type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// Opcodes of pickle's protocol 2.
const (
	opProto, opStop         = "\x80\x02", "."
	opMark, opTuple         = "(", "t"
	opEmptyTuple, opFalse   = ")", "\x89"
	opReduce, opSetItems    = "R", "u"
	opPersistent, opGlobal  = "Q", "c"
	opUnicode, opInt, opTo8 = "X", "J", "\x8a\x08"
)

// pickleStateDict is the pickle of a collections.OrderedDict of names and tensors. Each tensor is a call of
// torch._utils._rebuild_tensor_v2 on a storage of its own, which weights_only allows.
func pickleStateDict(tensors []Tensor) ([]byte, error) {
	var b bytes.Buffer
	put := func(ops ...string) {
		for _, op := range ops {
			b.WriteString(op)
		}
	}
	text := func(s string) string {
		return opUnicode + string(binary.LittleEndian.AppendUint32(nil, uint32(len(s)))) + s
	}
	number := func(n int64) string {
		if int64(int32(n)) == n {
			return opInt + string(binary.LittleEndian.AppendUint32(nil, uint32(n)))
		}
		return opTo8 + string(binary.LittleEndian.AppendUint64(nil, uint64(n)))
	}
	numbers := func(ns []int64) string {
		out := opMark
		for _, n := range ns {
			out += number(n)
		}
		return out + opTuple
	}
	global := func(module, name string) string { return opGlobal + module + "\n" + name + "\n" }
	empty := global("collections", "OrderedDict") + opEmptyTuple + opReduce
	put(opProto, empty, opMark)
	seen := map[string]bool{}
	for i, t := range tensors {
		kind, ok := storage(t.DType)
		if !ok {
			return nil, fmt.Errorf("state dict: %s: unknown dtype %q", t.Name, t.DType)
		}
		if size, err := bytesOf(t.DType, t.Shape); err != nil || size != int64(len(t.Data)) {
			return nil, fmt.Errorf("state dict: %s: %s of shape %v with %d bytes", t.Name, t.DType, t.Shape, len(t.Data))
		}
		if seen[t.Name] {
			return nil, fmt.Errorf("state dict: two tensors named %q", t.Name)
		}
		if seen[t.Name] = true; strings.ToValidUTF8(t.Name, "") != t.Name {
			return nil, fmt.Errorf("state dict: tensor name %q is not UTF-8", t.Name)
		}
		entries, strides := int64(1), make([]int64, len(t.Shape))
		for d := len(t.Shape) - 1; d >= 0; d-- {
			strides[d] = entries
			entries *= max(1, t.Shape[d])
		}
		each, _ := dtypeSize(t.DType)
		put(text(t.Name), global("torch._utils", "_rebuild_tensor_v2"), opMark)
		count := number(int64(len(t.Data)) / each)
		put(opMark, text("storage"), global("torch", kind), text(strconv.Itoa(i)), text("cpu"), count)
		put(opTuple, opPersistent)
		put(number(0), numbers(t.Shape), numbers(strides), opFalse, empty, opTuple, opReduce)
	}
	put(opSetItems, opStop)
	return b.Bytes(), nil
}
