package ingest

import (
	"encoding/binary"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth bounds how deep a record's JSON may be nested. Contracts are flat;
// only fields that no contract names can be deep at all.
const maxDepth = 64

// scanner walks one JSON text strictly by RFC 8259: what it has passed is
// valid JSON. It builds no tree, so that a field goes from the record's bytes
// straight into its place in the batch. The text must be valid UTF-8.
type scanner struct {
	s     []byte
	i     int
	depth int
}

// syntaxError says what was found where; it never holds bytes of the text.
type syntaxError struct {
	reason Reason
	what   string
	at     int
}

func (e *syntaxError) message() string {
	if e.reason == TooDeep {
		return fmt.Sprintf("nested deeper than %d levels (at byte %d)", maxDepth, e.at)
	}
	return fmt.Sprintf("not JSON: %s at byte %d", e.what, e.at)
}

func (p *scanner) fail(what string) *syntaxError {
	if p.i >= len(p.s) {
		what = "the text ends too early"
	}
	return &syntaxError{reason: InvalidJSON, what: what, at: p.i}
}

func (p *scanner) space() {
	for p.i < len(p.s) {
		switch p.s[p.i] {
		case ' ', '\t', '\n', '\r':
			p.i++
		default:
			return
		}
	}
}

// peek returns the next byte after white space, 0 at the end.
func (p *scanner) peek() byte {
	if p.i < len(p.s) && p.s[p.i] > ' ' {
		return p.s[p.i]
	}
	p.space()
	if p.i >= len(p.s) {
		return 0
	}
	return p.s[p.i]
}

// open enters an object or list; empty says that it was closed at once.
func (p *scanner) open(closing byte) (empty bool, err *syntaxError) {
	p.i++
	if p.depth++; p.depth > maxDepth {
		return false, &syntaxError{reason: TooDeep, at: p.i}
	}
	if p.peek() == closing {
		p.i++
		p.depth--
		return true, nil
	}
	return false, nil
}

// next goes on after a member or element; more is false behind the last.
func (p *scanner) next(closing byte) (more bool, err *syntaxError) {
	switch p.peek() {
	case ',':
		p.i++
		return true, nil
	case closing:
		p.i++
		p.depth--
		return false, nil
	default:
		return false, p.fail("a comma or an end is missing")
	}
}

// key reads a member's name and its colon.
func (p *scanner) key() (raw []byte, escaped bool, err *syntaxError) {
	if p.peek() != '"' {
		return nil, false, p.fail("a name in quotes is missing")
	}
	raw, escaped, err = p.text()
	if err != nil {
		return nil, false, err
	}
	if p.peek() != ':' {
		return nil, false, p.fail("a colon is missing")
	}
	p.i++
	return raw, escaped, nil
}

const (
	ones  = 0x0101010101010101
	highs = 0x8080808080808080
)

// text reads a string from its opening quote and returns what stands between
// the quotes, escapes unread but proved right.
func (p *scanner) text() (raw []byte, escaped bool, err *syntaxError) {
	p.i++
	start := p.i
	for {
		// Eight bytes at a time, as long as none is a quote, a backslash or a
		// control character.
		for p.i+8 <= len(p.s) {
			x := binary.LittleEndian.Uint64(p.s[p.i:])
			quote, slash := x^(ones*'"'), x^(ones*'\\')
			if ((x-ones*0x20)&^x|(quote-ones)&^quote|(slash-ones)&^slash)&highs != 0 {
				break
			}
			p.i += 8
		}
		for range 8 {
			if p.i >= len(p.s) {
				return nil, false, p.fail("")
			}
			c := p.s[p.i]
			if c == '"' {
				raw = p.s[start:p.i]
				p.i++
				return raw, escaped, nil
			}
			if c < 0x20 {
				return nil, false, p.fail("a control character in a text")
			}
			if c != '\\' {
				p.i++
				continue
			}
			escaped = true
			if err := p.escape(); err != nil {
				return nil, false, err
			}
		}
	}
}

// escape proves one escape sequence. Half of a surrogate pair stands for no
// character and is refused as InvalidUTF8.
func (p *scanner) escape() *syntaxError {
	at := p.i
	p.i++
	if p.i >= len(p.s) {
		return p.fail("")
	}
	switch p.s[p.i] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		p.i++
		return nil
	case 'u':
		p.i++
	default:
		return p.fail("an unknown escape")
	}
	r, ok := p.hex4()
	if !ok {
		return p.fail("an unfinished \\u escape")
	}
	if !utf16.IsSurrogate(r) {
		return nil
	}
	if p.i+6 <= len(p.s) && p.s[p.i] == '\\' && p.s[p.i+1] == 'u' {
		p.i += 2
		low, ok := p.hex4()
		if !ok {
			return p.fail("an unfinished \\u escape")
		}
		if utf16.DecodeRune(r, low) != utf8.RuneError {
			return nil
		}
	}
	return &syntaxError{reason: InvalidUTF8, what: "half of a surrogate pair", at: at}
}

func (p *scanner) hex4() (rune, bool) {
	if p.i+4 > len(p.s) {
		p.i = len(p.s)
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.s[p.i]
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
		p.i++
	}
	return r, true
}

// number reads a number and returns its text.
func (p *scanner) number() ([]byte, *syntaxError) {
	start := p.i
	if p.at('-') {
		p.i++
	}
	switch {
	case p.at('0'):
		p.i++
	case !p.digits():
		return nil, p.fail("no value begins like this")
	}
	if p.at('.') {
		p.i++
		if !p.digits() {
			return nil, p.fail("a digit is missing behind the point")
		}
	}
	if p.at('e') || p.at('E') {
		p.i++
		if p.at('+') || p.at('-') {
			p.i++
		}
		if !p.digits() {
			return nil, p.fail("a digit is missing in the exponent")
		}
	}
	return p.s[start:p.i], nil
}

func (p *scanner) at(c byte) bool { return p.i < len(p.s) && p.s[p.i] == c }

func (p *scanner) digits() bool {
	start := p.i
	for p.i < len(p.s) && p.s[p.i] >= '0' && p.s[p.i] <= '9' {
		p.i++
	}
	return p.i > start
}

// literal reads true, false or null.
func (p *scanner) literal(word string) *syntaxError {
	if len(p.s)-p.i < len(word) || string(p.s[p.i:p.i+len(word)]) != word {
		return p.fail("no value begins like this")
	}
	p.i += len(word)
	return nil
}

// skip passes one value of any kind and proves it.
func (p *scanner) skip() *syntaxError {
	switch p.peek() {
	case '"':
		_, _, err := p.text()
		return err
	case '{':
		empty, err := p.open('}')
		for more := !empty; more && err == nil; {
			if _, _, err = p.key(); err != nil {
				break
			}
			if err = p.skip(); err != nil {
				break
			}
			more, err = p.next('}')
		}
		return err
	case '[':
		empty, err := p.open(']')
		for more := !empty; more && err == nil; {
			if err = p.skip(); err != nil {
				break
			}
			more, err = p.next(']')
		}
		return err
	case 't':
		return p.literal("true")
	case 'f':
		return p.literal("false")
	case 'n':
		return p.literal("null")
	default:
		_, err := p.number()
		return err
	}
}

// end proves that only white space is left.
func (p *scanner) end() *syntaxError {
	if p.peek() != 0 || p.i < len(p.s) {
		return p.fail("something follows the end of the value")
	}
	return nil
}

// appendUnescaped appends the characters that a proved string stands for.
func appendUnescaped(dst, raw []byte) []byte {
	for i := 0; i < len(raw); i++ {
		c := raw[i]
		if c != '\\' {
			dst = append(dst, c)
			continue
		}
		i++
		switch raw[i] {
		case 'b':
			dst = append(dst, '\b')
		case 'f':
			dst = append(dst, '\f')
		case 'n':
			dst = append(dst, '\n')
		case 'r':
			dst = append(dst, '\r')
		case 't':
			dst = append(dst, '\t')
		case 'u':
			p := scanner{s: raw, i: i + 1}
			r, _ := p.hex4()
			if utf16.IsSurrogate(r) {
				p.i += 2
				low, _ := p.hex4()
				r = utf16.DecodeRune(r, low)
			}
			dst = utf8.AppendRune(dst, r)
			i = p.i - 1
		default: // quote, backslash, slash stand for themselves
			dst = append(dst, raw[i])
		}
	}
	return dst
}
