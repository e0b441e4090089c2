package launch

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/sugarme/gotch"

	"github.com/icl-msr/icl-msr/internal/libtorch"
)

// Options say how a job's processes talk.
type Options struct {
	Backend string        // gloo or nccl
	Timeout time.Duration // of meeting, and of an operation between ranks
	Device  gotch.Device  // where operations between ranks run
	Fields  []Field       // what must be the same on all ranks
	Only    Field         // what no two ranks may have alike; nothing where its value is empty
}

// Field is a setting, of a flag or of the program.
type Field struct{ Name, Value string }

// Job is the process group that a process belongs to. A nil Job is a process on
// its own, for which every method does nothing.
type Job struct {
	Place
	Group *libtorch.Group
	o     Options
	at    string          // the store's address
	base  *libtorch.Store // the connection
	store *libtorch.Store // the same, with the job's prefix
	watch *watch
	left  sync.Once
}

// Join meets the other ranks, compares their settings with rank 0's, and makes
// the process group. Rank 0 serves the store; everything listens on the address
// that the job names, or by which this machine reaches it, and on no other.
func Join(p Place, o Options) (*Job, error) {
	if p.Size == 1 {
		return nil, nil
	}
	j := &Job{Place: p, o: o}
	if err := j.join(); err != nil {
		j.Close()
		return nil, err
	}
	return j, nil
}

func (j *Job) join() error {
	if j.ByAgent {
		j.Port = besides(j.Port)
	}
	host, err := j.find()
	if err != nil {
		return err
	}
	j.at = host.String()
	twice, err := j.enter(host)
	if err != nil {
		return err
	}
	if twice > 1 {
		return fmt.Errorf("rank %d: another process has this rank at %s, too; is another job there? choose another MASTER_PORT", j.Rank, hostPort(host, j.Port))
	}
	if err := j.compare("start", j.o.Fields); err != nil {
		return err
	}
	own, err := toward(host, j.Port)
	if err != nil {
		return err
	}
	if j.watch, err = newWatch(j, host); err != nil {
		return err
	}
	j.Group, err = libtorch.NewGroup(j.store, libtorch.GroupOptions{Backend: j.o.Backend, Address: own, Rank: j.Rank, Size: j.Size, Timeout: j.o.Timeout})
	if err != nil {
		return j.Explain(err)
	}
	return nil
}

// enter opens the store, and counts this rank there.
func (j *Job) enter(host net.IP) (times int64, err error) {
	if j.Rank == 0 {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: host, Port: j.Port})
		if err != nil {
			return 0, fmt.Errorf("rank 0 cannot listen on %s: %w; is another job there, or is MASTER_ADDR (%s) another machine's? choose another MASTER_PORT or MASTER_ADDR", hostPort(host, j.Port), plain(err), j.Address)
		}
		if j.base, err = libtorch.Serve(l, j.o.Timeout); err != nil {
			return 0, err
		}
		return j.count()
	}
	if err := j.await(host); err != nil {
		return 0, err
	}
	// What listens there may be another program, of which no answer ever comes.
	type answer struct {
		times int64
		err   error
	}
	answers := make(chan answer, 1)
	var own Job // what hangs is left to it, and ends with the process
	own.Place, own.o = j.Place, j.o
	go func() {
		var a answer
		if own.base, a.err = libtorch.Connect(host.String(), j.Port, j.o.Timeout); a.err == nil {
			a.times, a.err = own.count()
		}
		answers <- a
	}()
	why := errors.New("it says nothing")
	select {
	case a := <-answers:
		if j.base, j.store = own.base, own.store; a.err == nil {
			return a.times, nil
		}
		why = a.err
	case <-time.After(min(j.o.Timeout, 30*beat)):
	}
	return 0, fmt.Errorf("rank %d: something else than this job's rank 0 is at %s (%w): choose another MASTER_PORT", j.Rank, hostPort(host, j.Port), why)
}

// count counts this rank in the store.
func (j *Job) count() (times int64, err error) {
	if j.store, err = j.base.Prefixed("icl-msr" + j.Attempt); err != nil {
		return 0, err
	}
	return j.store.Add(key("rank", j.Rank), 1)
}

// besides is the port of the job's store where torchrun's agent has MASTER_PORT
// for a store of its own, whose protocol is another in each version of PyTorch.
func besides(port int) int {
	if port+1000 > 65535 {
		return port - 1000
	}
	return port + 1000
}

func key(name string, rank int) string { return name + "/" + strconv.Itoa(rank) }

func hostPort(ip net.IP, port int) string {
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}

// plain is what a network error says at its heart.
func plain(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// find resolves the store's address. A cluster may come to know the name of rank
// 0's machine only while it starts, so the others try for a while.
func (j *Job) find() (net.IP, error) {
	until := time.Now().Add(min(j.o.Timeout, 30*time.Second))
	for {
		ip, err := j.resolve()
		var unknown *net.DNSError
		if j.Rank == 0 || !errors.As(err, &unknown) || time.Now().After(until) {
			return ip, err
		}
		time.Sleep(beat / 2)
	}
}

// resolve finds the store's address. A name of this machine's that means its
// loopback is of no use to the others.
func (j *Job) resolve() (net.IP, error) {
	ips, err := net.LookupIP(j.Address)
	if err != nil || len(ips) == 0 {
		return nil, fmt.Errorf("rank %d: MASTER_ADDR %q is no name or address that this machine knows (%w): give the address of rank 0's machine", j.Rank, j.Address, err)
	}
	best := ips[0]
	for _, ip := range ips { // IPv4 first, as Gloo has it
		if ip.To4() != nil && best.To4() == nil || ip.To4() != nil && best.IsLoopback() && !ip.IsLoopback() {
			best = ip
		}
	}
	if best.IsLoopback() && j.Size > j.LocalSize && net.ParseIP(j.Address) == nil && j.Address != "localhost" {
		return nil, fmt.Errorf("MASTER_ADDR %q is %s on this machine, where other machines cannot reach it: give the machine's address", j.Address, best)
	}
	return best, nil
}

// toward is this machine's address on the way to the store.
func toward(host net.IP, port int) (string, error) {
	c, err := net.Dial("udp", hostPort(host, port)) // sends nothing
	if err != nil {
		return "", fmt.Errorf("no way to rank 0 at %s: %w", host, plain(err))
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

// await waits for rank 0 to serve.
func (j *Job) await(host net.IP) error {
	until := time.Now().Add(j.o.Timeout)
	for {
		c, err := net.DialTimeout("tcp", hostPort(host, j.Port), time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(until) {
			return fmt.Errorf("rank %d: rank 0 does not answer at %s (%w) after %s: was it started, and is this its MASTER_ADDR and MASTER_PORT?", j.Rank, hostPort(host, j.Port), plain(err), j.o.Timeout)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// hello is what ranks tell rank 0, and what it answers.
type hello struct {
	Size    int
	Fields  []Field
	Only    Field
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
func (j *Job) compare(stage string, fields []Field) error {
	mine := hello{Size: j.Size, Fields: fields, Only: j.o.Only, At: -1}
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
	answer, err := get(j.store, stage, 2*j.o.Timeout)
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
	until := time.Now().Add(j.o.Timeout)
	var missing []string
	for r := 1; r < j.Size; r++ {
		wait := max(time.Millisecond, time.Until(until))
		if there, err := j.store.Has(key(stage, r)); err == nil && there {
			wait = j.o.Timeout // it is read at once
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
		j.Size, strings.Join(missing, ", "), net.JoinHostPort(j.at, strconv.Itoa(j.Port)), j.o.Timeout, twice), -1}
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

func put(s *libtorch.Store, key string, h hello) error {
	text, err := json.Marshal(h)
	if err != nil {
		return err
	}
	return s.Set(key, text)
}

func get(s *libtorch.Store, key string, timeout time.Duration) (h hello, err error) {
	text, err := s.Get(key, timeout)
	if err == nil {
		err = json.Unmarshal(text, &h)
	}
	return h, err
}

// Same refuses to go on where a field differs between ranks. All ranks call it
// with the same stage.
func (j *Job) Same(stage string, fields []Field) error {
	if j == nil {
		return nil
	}
	return j.compare(stage, fields)
}

// Locate refuses to go on where one of a list of things differs between ranks,
// and names the first that does. field is that of the things from lo to below hi,
// whatever is there; a single thing's is what the error tells. Ranks may have
// lists of other lengths. All ranks call it with the same stage.
func (j *Job) Locate(stage string, field func(lo, hi int) Field) error {
	if j == nil {
		return nil
	}
	const parts = 256
	lo, span := 0, 1<<32
	fields := []Field{field(lo, span)}
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

// Agree is where all ranks go on or none: where one has an error, each gets one.
func (j *Job) Agree(own error) error {
	if j == nil {
		return own
	}
	failed := int64(0)
	if own != nil {
		j.watch.report(own)
		failed = 1
	}
	all, err := j.Group.GatherInts(j.o.Device, failed)
	if own != nil {
		j.leave(5 * beat)
		return own
	}
	if err != nil {
		return j.Explain(err)
	}
	for _, f := range all {
		if f != 0 {
			return j.Explain(errElsewhere)
		}
	}
	return nil
}

// Leads reports whether this process is the one that writes and speaks.
func (j *Job) Leads() bool { return j == nil || j.Rank == 0 }

// Ranks is the process group; nil for a process on its own.
func (j *Job) Ranks() *libtorch.Group {
	if j == nil {
		return nil
	}
	return j.Group
}

// Close leaves the job. Rank 0 stays until all have left.
func (j *Job) Close() {
	if j == nil {
		return
	}
	j.leave(60 * beat)
	j.watch.close()
	if j.watch == nil || !j.watch.cut.Load() {
		j.store.Close()
		j.base.Close()
	}
}

// leave closes the connections to the other ranks, so that none waits for this
// one; rank 0 then serves the store for at most so long, until all have left.
func (j *Job) leave(atMost time.Duration) {
	j.left.Do(func() {
		if j.Group == nil {
			return
		}
		closed := make(chan struct{})
		go func() { j.Group.Close(); close(closed) }() // operations that hang end with the process
		select {
		case <-closed:
		case <-time.After(beat):
		}
		if _, err := j.watch.count("left", 1); err == nil && j.Rank == 0 {
			j.linger("left", j.Size, atMost)
		}
	})
}

// linger waits until a counter has come to n.
func (j *Job) linger(counter string, n int, atMost time.Duration) {
	for until := time.Now().Add(atMost); time.Now().Before(until); time.Sleep(beat / 20) {
		if k, err := j.store.Add(counter, 0); err != nil || k >= int64(n) {
			return
		}
	}
}
