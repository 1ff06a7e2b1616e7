package control

import (
	"errors"
	"io"
	"os"
	"strings"
	"testing"
)

// TestOtherUser stands another user in for ours, on either side.
func TestOtherUser(t *testing.T) {
	t.Parallel()
	t.Run("client", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServerOf(t, os.Geteuid()+1, dir, ServerConfig{}, testCommands)
		_, _, _, err := run(t, dir, request("echo"), nil)
		if _, ok := errors.AsType[*RefusedError](err); !ok || !strings.Contains(err.Error(), "as the same user") {
			t.Errorf("%v, want a refusal", err)
		}
	})
	t.Run("server", func(t *testing.T) {
		t.Parallel()
		dir := t.TempDir()
		startServer(t, dir, ServerConfig{}, testCommands)
		client := newClient(t, ClientConfig{})
		client.uid++
		_, err := client.Run(t.Context(), dir, request("echo"), nil, io.Discard, io.Discard)
		if _, ok := errors.AsType[*userError](err); !ok {
			t.Errorf("%v, want that the server is another user", err)
		}
	})
}
