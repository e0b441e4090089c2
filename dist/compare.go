package dist

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/internal/field"
	"github.com/icl-msr/icl-msr/torch"
)

// hello is what a rank sends to rank 0, and the answer of rank 0.
type hello struct {
	Size    int
	Fields  []Setting
	Only    Setting
	Problem string // names settings by their keys
	At      int    // index of the field that differs; -1 for another problem
}

// difference is the error of ranks that differ.
type difference struct {
	error
	at int // index of the field that differs; -1 for another problem
}

// Unwrap returns the error itself.
func (d *difference) Unwrap() error { return d.error }

// differ makes a difference that is not about one field.
func differ(format string, args ...any) *difference {
	return &difference{field.Errorf(format, args...), -1}
}

// compare is an error if the ranks differ in a field. Rank 0 compares, and tells the others the result.
func (j *Job) compare(stage string, fields []Setting) error {
	mine := hello{Size: j.Size, Fields: fields, Only: j.only, At: -1}
	if j.Rank == 0 {
		others, d := j.hear(stage)
		if d == nil {
			d = differences(mine, others)
		}
		answer := hello{Size: j.Size, At: -1}
		if d != nil {
			answer.Problem, answer.At = keyed(d), d.at
		}
		if err := put(j.store, stage, answer); err != nil {
			return err
		}
		if d == nil {
			return nil
		}
		j.linger("heard"+stage, len(others), 5*beat)
		return d
	}
	if err := put(j.store, key(stage, j.Rank), mine); err != nil {
		return err
	}
	// Rank 0 may begin to wait later than this rank does.
	answer, err := get(j.store, stage, 2*j.timeout)
	if err != nil {
		return fmt.Errorf("rank %d: rank 0 does not answer: %w", j.Rank, err)
	}
	if answer.Size != j.Size {
		answer.Problem, answer.At = unlikeSizes(j.Rank, j.Size, answer.Size).Error(), -1
	}
	if answer.Problem == "" {
		return nil
	}
	_, _ = j.store.Add("heard"+stage, 1) // if this fails rank 0 waits a little longer
	return &difference{fmt.Errorf("rank %d: stopped: %w", j.Rank, fromKeyed(answer.Problem)), answer.At}
}

// hear reads the hellos of ranks 1, 2, ... If some do not come, it returns those that came and an error.
func (j *Job) hear(stage string) (others []hello, d *difference) {
	until := time.Now().Add(j.timeout)
	var missing []string
	for r := 1; r < j.Size; r++ {
		wait := max(time.Millisecond, time.Until(until))
		if there, err := j.store.Has(key(stage, r)); err == nil && there {
			wait = j.timeout // it can be read at once
		}
		other, err := get(j.store, key(stage, r), wait)
		if err != nil {
			missing = append(missing, strconv.Itoa(r))
			continue
		}
		others = append(others, other)
	}
	if len(missing) == 0 {
		return others, nil
	}
	twice := ""
	for r := range j.Size {
		if n, err := j.store.Add(key("rank", r), 0); err == nil && n > 1 {
			twice = fmt.Sprintf("; rank %d came %d times", r, n)
		}
	}
	return others, differ("of %d processes (WORLD_SIZE) rank %s did not come to %s within %s%s: "+
		"see why they did not start, or what they wait for",
		j.Size, strings.Join(missing, ", "), net.JoinHostPort(j.at, strconv.Itoa(j.Port)), j.timeout, twice)
}

func unlikeSizes(rank, size, size0 int) *difference {
	return differ("WORLD_SIZE is %d on rank %d and %d on rank 0: all ranks need the same", size, rank, size0)
}

// differences finds the first of ranks 1, 2, ... that differs from rank 0; nil if none does.
func differences(mine hello, others []hello) *difference {
	first := map[string]int{mine.Only.Value: 0}
	for k, other := range others {
		r := k + 1
		if other.Size != mine.Size {
			return unlikeSizes(r, other.Size, mine.Size)
		}
		for i, f := range mine.Fields {
			if i >= len(other.Fields) || other.Fields[i].Name != f.Name {
				return differ("rank %d runs another version of the program than rank 0: all ranks need the same", r)
			}
			if o := other.Fields[i]; o.Value != f.Value {
				return &difference{fmt.Errorf("%s is %s on rank %d and %s on rank 0: all ranks need the same",
					f.Name, o.Value, r, f.Value), i}
			}
		}
		only := other.Only
		if q, there := first[only.Value]; there && only.Value != "" {
			return differ("%s of ranks %d and %d is the same one, %s: NCCL needs another for each; "+
				"start one process for each GPU, or give {dist.Backend} gloo", only.Name, q, r, only.Value)
		}
		first[only.Value] = r
	}
	return nil
}

func put(s *torch.Store, key string, h hello) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return s.Set(key, text)
}

func get(s *torch.Store, key string, timeout time.Duration) (h hello, err error) {
	text, err := s.Get(key, timeout)
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	return h, err
}

// Same is an error if a setting differs between ranks, as a checksum of the data. All ranks call it with the same
// stage, a word that no other call uses.
func (j *Job) Same(stage string, settings ...Setting) error {
	if j.alone() {
		return nil
	}
	return j.compare(stage, settings)
}

// Locate is an error if a list differs between ranks, and names the first entry that does. part(lo, hi) is a setting,
// as a checksum, of entries lo to hi-1, of which there may be fewer or none; the error shows that of a single entry.
// The lists may have different lengths. All ranks call it with the same stage.
func (j *Job) Locate(stage string, part func(lo, hi int) Setting) error {
	if j.alone() {
		return nil
	}
	const parts = 256
	lo, span := 0, 1<<32
	fields := []Setting{part(lo, span)}
	for {
		err := j.compare(fmt.Sprintf("%s %d", stage, span), fields)
		var d *difference
		if !errors.As(err, &d) || d.at < 0 || span == 1 {
			return err
		}
		lo += d.at * span
		span /= parts
		fields = fields[:0]
		for k := range parts {
			fields = append(fields, part(lo+k*span, lo+(k+1)*span))
		}
	}
}
