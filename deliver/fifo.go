package deliver

// fifo is a queue that keeps its array: the hot path allocates nothing. The zero value is empty.
type fifo[T any] struct {
	list []T
	head int
}

func (q *fifo[T]) len() int { return len(q.list) - q.head }

func (q *fifo[T]) push(v T) {
	if q.head > 0 && len(q.list) == cap(q.list) {
		n := copy(q.list, q.list[q.head:])
		clear(q.list[n:])
		q.list, q.head = q.list[:n], 0
	}
	q.list = append(q.list, v)
}

// pushFront puts v before all others.
func (q *fifo[T]) pushFront(v T) {
	if q.head == 0 {
		var none T
		q.list = append([]T{none}, q.list...)
		q.head = 1
	}
	q.head--
	q.list[q.head] = v
}

// front returns the first, which must exist.
func (q *fifo[T]) front() *T { return &q.list[q.head] }

// pop takes the first, which must exist.
func (q *fifo[T]) pop() T {
	var none T
	v := q.list[q.head]
	q.list[q.head] = none // so that what it refers to can go
	q.head++
	if q.head == len(q.list) {
		q.list, q.head = q.list[:0], 0
		if cap(q.list) > keep {
			q.list = nil
		}
	}
	return v
}

// keep is how many places an empty queue keeps.
const keep = 64
