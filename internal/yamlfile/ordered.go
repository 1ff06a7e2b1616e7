package yamlfile

// Ordered is a mapping whose order counts: its entries stand as in the file.
type Ordered[T any] []Entry[T]

// Entry is one key of an Ordered and its value.
type Entry[T any] struct {
	Key   string
	Value T
}

// Get returns the value of a key.
func (o Ordered[T]) Get(key string) (T, bool) {
	for _, e := range o {
		if e.Key == key {
			return e.Value, true
		}
	}
	var none T
	return none, false
}

// ordered is how the decoder and Schema see an Ordered of any element.
type ordered interface {
	add(key string) any // a pointer to the new entry's value
	element() any       // a pointer to a zero value
}

func (o *Ordered[T]) add(key string) any {
	*o = append(*o, Entry[T]{Key: key})
	return &(*o)[len(*o)-1].Value
}

func (o *Ordered[T]) element() any { return new(T) }
