package serving

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// bodyLimit is the largest body of a request.
const bodyLimit = 1 << 20

// bodyWithin is how long any body may take to come, whether a page reads it or
// not.
const bodyWithin = 30 * time.Second

// Guard keeps the pages of other sites from asking through a user's browser.
// The address is a loopback one, but a browser on this machine reaches it for
// any page: by a name that is made to point here (DNS rebinding), which the Host
// header shows, or by a form or script, which Sec-Fetch-Site and Origin show.
// No header ever allows another origin to read an answer.
func Guard(next http.Handler) http.Handler {
	origins := http.NewCrossOriginProtection()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "same-origin")
		if !loopback(r.Host) {
			writeFailure(w, &failure{
				status: http.StatusForbidden, field: "Host",
				message: "this answers to 127.0.0.1, [::1] and localhost alone; a proxy sends one of them as Host",
			})
			return
		}
		if origins.Check(r) != nil || foreign(r) {
			writeFailure(w, &failure{status: http.StatusForbidden, field: "Origin", message: "this is not answered to pages of other sites"})
			return
		}
		if r.ContentLength != 0 {
			// Not for requests without a body: there the deadline would end the
			// answer. A connection that can't have one has its own.
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(bodyWithin))
		}
		next.ServeHTTP(w, r)
	})
}

// loopback tells whether a Host header names this machine.
func loopback(hostport string) bool {
	host, _, err := net.SplitHostPort(hostport)
	if err != nil {
		host = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]")
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "localhost" {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// foreign tells whether a page of another site asks, other than by a link that
// somebody followed.
func foreign(r *http.Request) bool {
	return r.Header.Get("Sec-Fetch-Site") == "cross-site" && r.Header.Get("Sec-Fetch-Mode") != "navigate"
}
