package registry

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"time"
)

// attempts is how often a request is sent where the server, or the way to it,
// is only busy.
const attempts = 4

// longestPause is how long a server may ask a client to wait.
const longestPause = 20 * time.Second

// again says whether a request may do better when it is sent once more, and
// after how long.
func (c *Client) again(attempt int, resp *http.Response, err error) (time.Duration, bool) {
	pause := c.pause << attempt
	var timeout net.Error
	switch {
	case attempt+1 >= attempts:
		return 0, false
	case err != nil:
		return pause, !errors.Is(err, context.Canceled) && errors.As(err, &timeout) && timeout.Timeout()
	case resp.StatusCode != http.StatusTooManyRequests && resp.StatusCode < 500:
		return 0, false
	}
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds >= 0 {
		pause = min(time.Duration(seconds)*time.Second, longestPause)
	}
	return pause, true
}

// send sends a request, and again after a pause while the server is busy.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	for attempt := 0; ; attempt++ {
		resp, err := c.http.Do(req)
		pause, retry := c.again(attempt, resp, err)
		if !retry {
			return resp, err
		}
		if err == nil {
			_ = resp.Body.Close() // what it says is only that it is busy
		}
		if req.GetBody != nil {
			if req.Body, err = req.GetBody(); err != nil {
				return nil, err
			}
		}
		select {
		case <-time.After(pause):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
}
