// Package kafkago holds the faults of segmentio/kafka-go that decided for
// franz-go, as tests. They pass while the faults are there.
package kafkago
