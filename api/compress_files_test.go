package api

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

// What is compressed already is not compressed again.
func TestFilesAreNotCompressedTwice(t *testing.T) {
	for _, kind := range []string{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "application/pdf"} {
		h := compress(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			_, _ = w.Write(make([]byte, 10_000))
		}))
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Header.Set("Accept-Encoding", "gzip")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Header().Get("Content-Encoding") != "" || w.Body.Len() != 10_000 {
			t.Errorf("%s: %v, %d bytes", kind, w.Header(), w.Body.Len())
		}
	}
}
