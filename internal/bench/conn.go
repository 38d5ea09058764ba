package bench

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http/httputil"
	"strconv"
	"time"
)

// target is a door that signals are sent to.
type target struct {
	addr string // host:port on loopback
	path string
	key  string // API key
}

// conn is one keep-alive connection of a lean HTTP/1.1 client: requests are bytes made beforehand and answers are read no further
// than needed, so that the load costs the machine little.
type conn struct {
	target
	head    []byte
	request []byte
	answer  []byte
	nc      net.Conn
	br      *bufio.Reader
	expires time.Time // when nothing is waited for any more
}

func newConn(t target, expires time.Time) *conn {
	head := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: signalbox-bench\r\nAuthorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: ",
		t.path, t.addr, t.key)
	return &conn{target: t, head: head, expires: expires}
}

// dial opens the connection if it is not open.
func (c *conn) dial() error {
	if c.nc != nil {
		return nil
	}
	nc, err := net.DialTimeout("tcp", c.addr, 5*time.Second)
	if err != nil {
		return err
	}
	c.nc, c.br = nc, bufio.NewReaderSize(nc, 4096)
	return nc.SetDeadline(c.expires)
}

// close closes the connection; the next post opens another.
func (c *conn) close() {
	if c.nc != nil {
		c.nc.Close()
		c.nc = nil
	}
}

// post sends a body and returns the answer's status and body, which are valid until the next post.
func (c *conn) post(body []byte) (status int, answer []byte, err error) {
	if err := c.dial(); err != nil {
		return 0, nil, err
	}
	c.request = append(c.request[:0], c.head...)
	c.request = strconv.AppendInt(c.request, int64(len(body)), 10)
	c.request = append(c.request, "\r\n\r\n"...)
	c.request = append(c.request, body...)
	if _, err := c.nc.Write(c.request); err != nil {
		c.close()
		return 0, nil, err
	}
	status, last, err := c.read()
	if err != nil || last {
		c.close()
	}
	return status, c.answer, err
}

var errAnswer = errors.New("the answer is not HTTP/1.1 as a Go server writes it")

// read reads one answer; last says that the server closes the connection after it.
func (c *conn) read() (status int, last bool, err error) {
	line, err := c.br.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	if len(line) < 12 || !bytes.HasPrefix(line, []byte("HTTP/1.1 ")) {
		return 0, false, errAnswer
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, false, errAnswer
	}
	length, chunked := 0, false
	for {
		if line, err = c.br.ReadSlice('\n'); err != nil {
			return 0, false, err
		}
		if len(line) <= 2 {
			break
		}
		switch name, value, _ := bytes.Cut(line, []byte(": ")); string(name) {
		case "Content-Length":
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil || length < 0 {
				return 0, false, errAnswer
			}
		case "Transfer-Encoding":
			chunked = true
		case "Connection":
			last = bytes.HasPrefix(value, []byte("close"))
		}
	}
	return status, last, c.readBody(length, chunked)
}

func (c *conn) readBody(length int, chunked bool) error {
	if !chunked {
		if cap(c.answer) < length {
			c.answer = make([]byte, length)
		}
		c.answer = c.answer[:length]
		_, err := io.ReadFull(c.br, c.answer)
		return err
	}
	buf := bytes.NewBuffer(c.answer[:0])
	if _, err := buf.ReadFrom(httputil.NewChunkedReader(c.br)); err != nil {
		return err
	}
	c.answer = buf.Bytes()
	_, err := c.br.ReadSlice('\n') // the empty line after the last chunk
	return err
}
