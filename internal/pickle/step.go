package pickle

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// step executes one operation. It reports whether that was the last one.
func (m *machine) step() (done bool) {
	m.start = m.at
	switch op := m.take(1)[0]; op {
	case 0x80: // PROTO
		if v := m.take(1)[0]; v > 5 {
			fail("protocol %d; known are 0 to 5", v)
		}
	case 0x95: // FRAME
		m.take(8)
	case '.': // STOP
		return true
	case '(': // MARK
		m.marks = append(m.marks, len(m.stack))
	case '0': // POP
		if len(m.marks) > 0 && len(m.stack) == m.bottom() {
			m.toMark()
		} else {
			m.pop()
		}
	case '1': // POP_MARK
		m.toMark()
	case '2': // DUP
		m.push(m.top())
	default:
		if !m.scalar(op) && !m.text(op) && !m.container(op) {
			m.object(op)
		}
	}
	return false
}

func (m *machine) scalar(op byte) bool {
	switch op {
	case 'N':
		m.push(nil)
	case 0x88:
		m.push(true)
	case 0x89:
		m.push(false)
	case 'I':
		switch l := m.line(); l {
		case "00":
			m.push(false)
		case "01":
			m.push(true)
		default:
			m.push(decimal(l))
		}
	case 'L':
		m.push(decimal(strings.TrimSuffix(m.line(), "L")))
	case 'J':
		m.push(int64(int32(m.little(4))))
	case 'K':
		m.push(int64(m.little(1)))
	case 'M':
		m.push(int64(m.little(2)))
	case 0x8a: // LONG1
		m.push(long(m.take(m.little(1))))
	case 0x8b: // LONG4
		m.push(long(m.take(m.little(4))))
	case 'F':
		l := m.line()
		v, err := strconv.ParseFloat(l, 64)
		if err != nil {
			fail("%q is no number", l)
		}
		m.push(v)
	case 'G':
		m.push(math.Float64frombits(binary.BigEndian.Uint64(m.take(8))))
	default:
		return false
	}
	return true
}

func decimal(s string) int64 {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		fail("%.40q is no integer of 64 bits", s)
	}
	return v
}

// long reads a little-endian two's complement number: an int64 or a Big.
func long(b []byte) any {
	if len(b) == 0 {
		return int64(0)
	}
	all := b
	sign := byte(0)
	if b[len(b)-1] >= 0x80 {
		sign = 0xff
	}
	for len(b) > 8 {
		if b[len(b)-1] != sign || b[len(b)-2]>>7 != sign>>7 {
			return Big(all)
		}
		b = b[:len(b)-1]
	}
	v := uint64(int64(int8(sign)))
	for i, x := range b {
		v = v&^(0xff<<(8*i)) | uint64(x)<<(8*i)
	}
	return int64(v)
}

func (m *machine) text(op byte) bool {
	switch op {
	case 'S':
		l := m.line()
		if len(l) < 2 || l[0] != l[len(l)-1] || l[0] != '\'' && l[0] != '"' {
			fail("a string without quotes")
		}
		m.push(Bytes(unescape(l[1 : len(l)-1])))
	case 'T', 'B':
		m.push(Bytes(m.take(m.little(4))))
	case 'U', 'C':
		m.push(Bytes(m.take(m.little(1))))
	case 0x8e, 0x96: // BINBYTES8, BYTEARRAY8
		m.push(Bytes(m.take(m.little(8))))
	case 'V':
		m.push(rawUnicode(m.line()))
	case 'X':
		m.unicode(m.take(m.little(4)))
	case 0x8c: // SHORT_BINUNICODE
		m.unicode(m.take(m.little(1)))
	case 0x8d: // BINUNICODE8
		m.unicode(m.take(m.little(8)))
	default:
		return false
	}
	return true
}

func (m *machine) unicode(b []byte) {
	if !utf8.Valid(b) {
		fail("a string that is not UTF-8")
	}
	m.push(string(b))
}

// rawUnicode undoes Python's raw-unicode-escape: Latin-1, with \uXXXX for other characters.
func rawUnicode(s string) string {
	var b strings.Builder
	for i := 0; i < len(s); {
		digits := 0
		if s[i] == '\\' && i+1 < len(s) {
			digits = map[byte]int{'u': 4, 'U': 8}[s[i+1]]
		}
		if digits == 0 || i+2+digits > len(s) {
			b.WriteRune(rune(s[i]))
			i++
			continue
		}
		v, err := strconv.ParseUint(s[i+2:i+2+digits], 16, 32)
		if err != nil || v > utf8.MaxRune {
			fail("the escape %.10q", s[i:])
		}
		b.WriteRune(rune(v))
		i += 2 + digits
	}
	return b.String()
}

// unescape undoes the escapes of repr in a string of protocol 0.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for len(s) > 0 {
		if s[0] != '\\' {
			b.WriteByte(s[0])
			s = s[1:]
			continue
		}
		if len(s) > 1 && (s[1] == '\'' || s[1] == '"') {
			b.WriteByte(s[1])
			s = s[2:]
			continue
		}
		r, multibyte, rest, err := strconv.UnquoteChar(s, 0)
		if err != nil {
			fail("the escape %.6q", s)
		}
		if multibyte {
			b.WriteRune(r)
		} else {
			b.WriteByte(byte(r))
		}
		s = rest
	}
	return b.String()
}

func (m *machine) container(op byte) bool {
	switch op {
	case ')':
		m.push(Tuple{})
	case 't':
		m.push(Tuple(m.toMark()))
	case 0x85, 0x86, 0x87: // TUPLE1 to TUPLE3
		m.push(m.last(int(op-0x85) + 1))
	case ']', 0x8f: // EMPTY_LIST, EMPTY_SET
		m.push(&List{[]any{}})
	case 'l', 0x91: // LIST, FROZENSET
		m.push(&List{m.toMark()})
	case 'a':
		m.appendTo(m.last(1))
	case 'e', 0x90: // APPENDS, ADDITEMS
		m.appendTo(m.toMark())
	case '}':
		m.push(&Dict{})
	case 'd':
		pairs := m.toMark()
		m.push(&Dict{})
		m.setItems(pairs)
	case 's':
		m.setItems(m.last(2))
	case 'u':
		m.setItems(m.toMark())
	default:
		return false
	}
	return true
}

func (m *machine) object(op byte) {
	switch op {
	case 'p':
		m.remember(int(decimal(m.line())))
	case 'q':
		m.remember(m.little(1))
	case 'r':
		m.remember(m.little(4))
	case 0x94: // MEMOIZE
		m.remember(len(m.memo))
	case 'g':
		m.recall(int(decimal(m.line())))
	case 'h':
		m.recall(m.little(1))
	case 'j':
		m.recall(m.little(4))
	case 'c':
		module := m.line()
		m.global(module, m.line())
	case 0x93: // STACK_GLOBAL
		names := m.last(2)
		module, ok1 := names[0].(string)
		name, ok2 := names[1].(string)
		if !ok1 || !ok2 {
			fail("a global named by %T and %T", names[0], names[1])
		}
		m.global(module, name)
	case 'R', 0x81: // REDUCE, NEWOBJ
		pair := m.last(2)
		m.call(pair[0], pair[1], nil)
	case 0x92: // NEWOBJ_EX
		three := m.last(3)
		named, ok := three[2].(*Dict)
		if !ok {
			fail("named arguments %T", three[2])
		}
		m.call(three[0], three[1], named)
	case 'i': // INST
		args := Tuple(m.toMark())
		module := m.line()
		m.global(module, m.line())
		m.call(m.pop(), args, nil)
	case 'o': // OBJ
		items := m.toMark()
		if len(items) == 0 {
			fail("a call of nothing")
		}
		m.call(items[0], Tuple(items[1:]), nil)
	case 'b':
		state := m.pop()
		o, ok := m.top().(*Object)
		if !ok {
			fail("a state for %T", m.top())
		}
		o.State = state
	case 'P':
		m.push(Persistent{m.line()})
	case 'Q':
		m.push(Persistent{m.pop()})
	default:
		fail("operation 0x%02x is not known", op)
	}
}
