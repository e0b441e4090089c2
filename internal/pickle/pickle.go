// Package pickle reads Python's pickles without running any of their code. It returns scalars, strings and containers,
// and describes calls and objects as data. The caller allows or refuses the name of each global. Memory is bounded by
// the length of the input.
package pickle

import (
	"errors"
	"fmt"
	"strings"
)

// Bytes is a bytes object of Python, or a string of Python 2.
type Bytes []byte

// Tuple is a tuple.
type Tuple []any

// List is a list or a set.
type List struct{ Items []any }

// Dict is a dictionary that keeps the order of its entries.
type Dict struct{ Keys, Values []any }

// Get returns the value of a key that is a string, or Bytes with the same letters.
func (d *Dict) Get(name string) (any, bool) {
	for i, k := range d.Keys {
		switch k := k.(type) {
		case string:
			if k == name {
				return d.Values[i], true
			}
		case Bytes:
			if string(k) == name {
				return d.Values[i], true
			}
		}
	}
	return nil, false
}

// Global names a Python object.
type Global struct{ Module, Name string }

// String is the dotted name.
func (g Global) String() string { return g.Module + "." + g.Name }

// Big is an integer of more than 64 bits, in little-endian two's complement.
type Big []byte

// Object describes a call of Callable with Args, which is not executed, and the changes to its result: the state that
// is set, and the items that are added. If the callable is itself the result of a call, Callable is the name of that
// call's callable with "()".
type Object struct {
	Callable Global
	Args     Tuple
	Named    *Dict // keyword arguments, or nil
	State    any
	Items    []any
	Entries  Dict
}

// Persistent is a reference to an object outside of the pickle.
type Persistent struct{ ID any }

// Refused is the error of a global that the caller does not allow.
type Refused struct{ Global }

func (r *Refused) Error() string {
	return fmt.Sprintf("it names %s, which is not allowed: it may hold code", r.Global)
}

// ErrTruncated is the error of data that end before the pickle does.
var ErrTruncated = errors.New("truncated")

// Read reads the first pickle in data, and returns its value and its length. The value is nil or a bool, int64, Big,
// float64, string, Bytes, Tuple, *List, *Dict, Global, *Object or Persistent. It may contain itself, so a walk through
// it must mark what it has visited.
func Read(data []byte, allow func(Global) bool) (value any, n int, err error) {
	m := &machine{data: data, allow: allow, memo: map[int]any{}}
	defer func() {
		if p := recover(); p != nil {
			f, ok := p.(failure)
			if !ok {
				panic(p)
			}
			err = fmt.Errorf("pickle at offset %d: %w", m.start, f.error)
		}
	}()
	for {
		if done := m.step(); done {
			return m.pop(), m.at, nil
		}
	}
}

// failure is the panic that stops the machine. Read recovers it.
type failure struct{ error }

func fail(format string, args ...any) { panic(failure{fmt.Errorf(format, args...)}) }

// machine is the machine of the pickle protocol: a stack, marks in it, and a memo of objects.
type machine struct {
	data      []byte
	at, start int // offsets in data; start is that of the current operation
	stack     []any
	marks     []int
	memo      map[int]any
	allow     func(Global) bool
}

func (m *machine) take(n int) []byte {
	if n < 0 || n > len(m.data)-m.at {
		fail("%w: %d bytes are wanted, %d are left", ErrTruncated, n, len(m.data)-m.at)
	}
	b := m.data[m.at : m.at+n]
	m.at += n
	return b
}

// line reads up to the next newline.
func (m *machine) line() string {
	for i := m.at; i < len(m.data); i++ {
		if m.data[i] == '\n' {
			s := string(m.data[m.at:i])
			m.at = i + 1
			return s
		}
	}
	fail("%w: a line without an end", ErrTruncated)
	return ""
}

// little reads an unsigned little-endian number of n bytes.
func (m *machine) little(n int) int {
	v := uint64(0)
	for i, b := range m.take(n) {
		v |= uint64(b) << (8 * i)
	}
	if v > 1<<62 {
		fail("a length of %d", v)
	}
	return int(v)
}

func (m *machine) push(v any) { m.stack = append(m.stack, v) }

func (m *machine) bottom() int {
	if len(m.marks) == 0 {
		return 0
	}
	return m.marks[len(m.marks)-1]
}

func (m *machine) pop() any {
	if len(m.stack) <= m.bottom() {
		fail("nothing is left to take")
	}
	v := m.stack[len(m.stack)-1]
	m.stack = m.stack[:len(m.stack)-1]
	return v
}

func (m *machine) top() any {
	v := m.pop()
	m.push(v)
	return v
}

// toMark pops all objects above the last mark.
func (m *machine) toMark() []any {
	if len(m.marks) == 0 {
		fail("no mark")
	}
	from := m.bottom()
	items := append([]any{}, m.stack[from:]...)
	m.stack, m.marks = m.stack[:from], m.marks[:len(m.marks)-1]
	return items
}

func (m *machine) last(n int) Tuple {
	t := make(Tuple, n)
	for i := n - 1; i >= 0; i-- {
		t[i] = m.pop()
	}
	return t
}

func (m *machine) global(module, name string) {
	g := Global{module, name}
	if m.allow == nil || !m.allow(g) {
		panic(failure{&Refused{g}})
	}
	m.push(g)
}

// call is the result of REDUCE, NEWOBJ and similar operations: an Object.
func (m *machine) call(callable, args any, named *Dict) {
	g := called(callable)
	t, ok := args.(Tuple)
	if !ok {
		fail("arguments %T of %s", args, g)
	}
	m.push(&Object{Callable: g, Args: t, Named: named})
}

// called is the name of a callable.
func called(callable any) Global {
	switch c := callable.(type) {
	case Global:
		return c
	case *Object:
		if strings.HasSuffix(c.Callable.Name, "()") {
			return c.Callable
		}
		return Global{c.Callable.Module, c.Callable.Name + "()"}
	case Persistent: // PyTorch before 1.6 refers in this way to a module's class and its source
		if t, ok := c.ID.(Tuple); ok && len(t) > 1 {
			if g, ok := t[1].(Global); ok {
				return g
			}
		}
	}
	fail("a call of %T", callable)
	return Global{}
}

func (m *machine) appendTo(items []any) {
	switch l := m.top().(type) {
	case *List:
		l.Items = append(l.Items, items...)
	case *Object:
		l.Items = append(l.Items, items...)
	default:
		fail("items for %T", l)
	}
}

func (m *machine) setItems(pairs []any) {
	if len(pairs)%2 != 0 {
		fail("a key without a value")
	}
	var d *Dict
	switch t := m.top().(type) {
	case *Dict:
		d = t
	case *Object:
		d = &t.Entries
	default:
		fail("entries for %T", t)
	}
	for i := 0; i < len(pairs); i += 2 {
		d.Keys, d.Values = append(d.Keys, pairs[i]), append(d.Values, pairs[i+1])
	}
}

func (m *machine) remember(i int) { m.memo[i] = m.top() }

func (m *machine) recall(i int) {
	v, ok := m.memo[i]
	if !ok {
		fail("nothing was remembered as %d", i)
	}
	m.push(v)
}
