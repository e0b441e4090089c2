package dist

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"syscall"
	"time"

	"github.com/icl-msr/icl-msr/torch"
)

// enter opens the store, and counts there how often this rank came.
func (j *Job) enter(host net.IP) (times int64, err error) {
	if j.Rank == 0 {
		l, err := net.ListenTCP("tcp", &net.TCPAddr{IP: host, Port: j.Port})
		if err != nil {
			remedy := "is another job there? choose another MASTER_PORT"
			if errors.Is(err, syscall.EADDRNOTAVAIL) {
				remedy = fmt.Sprintf("MASTER_ADDR (%s) is not this machine: give the address of rank 0's machine", j.Address)
			}
			return 0, fmt.Errorf("rank 0 cannot listen on %s: %w; %s", hostPort(host, j.Port), plain(err), remedy)
		}
		if j.base, err = torch.Serve(l, j.timeout); err != nil {
			return 0, err
		}
		return j.count()
	}
	if err := j.awaitStore(host); err != nil {
		return 0, err
	}
	// Another program may listen there and never answer.
	type answer struct {
		times int64
		err   error
	}
	answers := make(chan answer, 1)
	var own Job // if it hangs it is left alone, and ends with the process
	own.Place, own.timeout = j.Place, j.timeout
	go func() {
		var a answer
		if own.base, a.err = torch.Connect(host.String(), j.Port, j.timeout); a.err == nil {
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
	case <-time.After(min(j.timeout, 30*beat)):
	}
	return 0, fmt.Errorf("rank %d: something else than this job's rank 0 is at %s (%w): choose another MASTER_PORT",
		j.Rank, hostPort(host, j.Port), why)
}

// count opens the part of the store that belongs to this job, and counts this rank there.
func (j *Job) count() (times int64, err error) {
	if j.store, err = j.base.Prefixed("icl-msr" + j.Attempt); err != nil {
		return 0, err
	}
	return j.store.Add(key("rank", j.Rank), 1)
}

// beside is the port of the job's store if torchrun's agent has a store of its own at MASTER_PORT. The job does not use
// that store because its protocol depends on the version of PyTorch.
func beside(port int) int {
	if port+1000 > 65535 {
		return port - 1000
	}
	return port + 1000
}

func hostPort(ip net.IP, port int) string {
	return net.JoinHostPort(ip.String(), strconv.Itoa(port))
}

// plain returns the innermost of a network error.
func plain(err error) error {
	for errors.Unwrap(err) != nil {
		err = errors.Unwrap(err)
	}
	return err
}

// find resolves the store's address. A cluster may learn the name of rank 0's machine only while the job starts, so the
// other ranks try for a while.
func (j *Job) find() (net.IP, error) {
	until := time.Now().Add(min(j.timeout, 30*time.Second))
	for {
		ip, err := j.resolve()
		var unknown *net.DNSError
		if j.Rank == 0 || !errors.As(err, &unknown) || time.Now().After(until) {
			return ip, err
		}
		time.Sleep(beat / 2)
	}
}

// resolve looks up the store's address. A name that means this machine's loopback is an error, because other machines
// cannot use it.
func (j *Job) resolve() (net.IP, error) {
	ips, err := net.LookupIP(j.Address)
	if err != nil || len(ips) == 0 {
		return nil, fmt.Errorf("rank %d: MASTER_ADDR %q is no name or address that this machine knows (%w): "+
			"give the address of rank 0's machine", j.Rank, j.Address, err)
	}
	best := ips[0]
	for _, ip := range ips { // IPv4 first, as in Gloo
		if ip.To4() != nil && best.To4() == nil || ip.To4() != nil && best.IsLoopback() && !ip.IsLoopback() {
			best = ip
		}
	}
	if best.IsLoopback() && j.Size > j.LocalSize && net.ParseIP(j.Address) == nil && j.Address != "localhost" {
		return nil, fmt.Errorf("MASTER_ADDR %q is %s on this machine, where other machines cannot reach it: "+
			"give the machine's address", j.Address, best)
	}
	return best, nil
}

// toward is the address of this machine from which the store is reached.
func toward(host net.IP, port int) (string, error) {
	c, err := net.Dial("udp", hostPort(host, port)) // sends nothing
	if err != nil {
		return "", fmt.Errorf("no way to rank 0 at %s: %w", host, plain(err))
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String(), nil
}

// awaitStore waits until rank 0 serves the store.
func (j *Job) awaitStore(host net.IP) error {
	until := time.Now().Add(j.timeout)
	for {
		c, err := net.DialTimeout("tcp", hostPort(host, j.Port), time.Second)
		if err == nil {
			return c.Close()
		}
		if time.Now().After(until) {
			return fmt.Errorf("rank %d: rank 0 does not answer at %s (%w) after %s: was it started, "+
				"and is this its MASTER_ADDR and MASTER_PORT?", j.Rank, hostPort(host, j.Port), plain(err), j.timeout)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
