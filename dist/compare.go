package dist

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// hello is what ranks tell rank 0, and what it answers.
type hello struct {
	Size    int
	Fields  []Setting
	Only    Setting
	Problem string
	At      int // the field that differs; -1: another problem
}

// difference is the error of ranks that are not alike.
type difference struct {
	text string
	at   int // the field; -1: something else
}

func (d *difference) Error() string { return d.text }

// compare refuses a job whose ranks differ in a field: rank 0 looks, and tells
// all what it found.
func (j *Job) compare(stage string, fields []Setting) error {
	mine := hello{Size: j.Size, Fields: fields, Only: j.only, At: -1}
	if j.Rank == 0 {
		others, d := j.hear(stage)
		if d == nil {
			d = differences(mine, others)
		}
		answer := hello{Size: j.Size, At: -1}
		if d != nil {
			answer.Problem, answer.At = d.text, d.at
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
	// Rank 0 may begin to wait later than this rank.
	answer, err := get(j.store, stage, 2*j.timeout)
	if err != nil {
		return fmt.Errorf("rank %d: rank 0 does not answer: %w", j.Rank, err)
	}
	if answer.Size != j.Size {
		answer.Problem, answer.At = unlikeSizes(j.Rank, j.Size, answer.Size), -1
	}
	if answer.Problem == "" {
		return nil
	}
	_, _ = j.store.Add("heard"+stage, 1) // rank 0 goes on all the same
	return &difference{fmt.Sprintf("rank %d: stopped: %s", j.Rank, answer.Problem), answer.At}
}

// hear reads what the others say, rank by rank from 1; where some do not come, it
// is those who did.
func (j *Job) hear(stage string) (others []hello, d *difference) {
	until := time.Now().Add(j.timeout)
	var missing []string
	for r := 1; r < j.Size; r++ {
		wait := max(time.Millisecond, time.Until(until))
		if there, err := j.store.Has(key(stage, r)); err == nil && there {
			wait = j.timeout // it is read at once
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
	return others, &difference{fmt.Sprintf("of %d processes (WORLD_SIZE) rank %s did not come to %s within %s%s: see why they did not start, or what they wait for",
		j.Size, strings.Join(missing, ", "), net.JoinHostPort(j.at, strconv.Itoa(j.Port)), j.timeout, twice), -1}
}

func unlikeSizes(rank, size, size0 int) string {
	return fmt.Sprintf("WORLD_SIZE is %d on rank %d and %d on rank 0: all ranks need the same", size, rank, size0)
}

// differences finds the first of ranks 1, 2, ... that is not as rank 0.
func differences(mine hello, others []hello) *difference {
	first := map[string]int{mine.Only.Value: 0}
	for k, other := range others {
		r := k + 1
		if other.Size != mine.Size {
			return &difference{unlikeSizes(r, other.Size, mine.Size), -1}
		}
		for i, f := range mine.Fields {
			if i >= len(other.Fields) || other.Fields[i].Name != f.Name {
				return &difference{fmt.Sprintf("rank %d runs another version of the program than rank 0: all ranks need the same", r), -1}
			}
			if o := other.Fields[i]; o.Value != f.Value {
				return &difference{fmt.Sprintf("%s is %s on rank %d and %s on rank 0: all ranks need the same", f.Name, o.Value, r, f.Value), i}
			}
		}
		only := other.Only
		if q, there := first[only.Value]; there && only.Value != "" {
			return &difference{fmt.Sprintf("%s of ranks %d and %d is the same one, %s", only.Name, q, r, only.Value), -1}
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

// Same is an error where a setting differs between ranks, as a checksum of the data. All ranks call
// it with the same stage, a word of each call's own.
func (j *Job) Same(stage string, settings ...Setting) error {
	if j.alone() {
		return nil
	}
	return j.compare(stage, settings)
}

// Locate refuses to go on where one of a list of things differs between ranks,
// and names the first that does. field is that of the things from lo to below hi,
// whatever is there; a single thing's is what the error tells. Ranks may have
// lists of other lengths. All ranks call it with the same stage.
func (j *Job) Locate(stage string, field func(lo, hi int) Setting) error {
	if j.alone() {
		return nil
	}
	const parts = 256
	lo, span := 0, 1<<32
	fields := []Setting{field(lo, span)}
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
			fields = append(fields, field(lo+k*span, lo+(k+1)*span))
		}
	}
}
