package poll

import (
	"encoding/json"
	"fmt"

	"signalbox"
	"signalbox/seal"
)

// SealSecrets seals what signs in to a stream's source, by name, for Stream.Secrets; nil for none.
func SealSecrets(box Sealer, ws signalbox.WorkspaceID, stream signalbox.StreamID, secrets map[string]string) ([]byte, error) {
	if len(secrets) == 0 {
		return nil, nil
	}
	plain, err := json.Marshal(secrets)
	if err != nil {
		return nil, fmt.Errorf("encode the secrets of a stream: %w", err)
	}
	return box.Seal(secretsBind(ws, stream), plain), nil
}

// OpenSecrets opens what SealSecrets sealed; nil for none.
func OpenSecrets(box Opener, s *signalbox.Stream) (map[string]string, error) {
	if len(s.Secrets) == 0 {
		return nil, nil
	}
	plain, err := box.Open(secretsBind(s.Workspace, s.ID), s.Secrets)
	if err != nil {
		return nil, &signalbox.Error{Code: signalbox.Internal, Msg: "the stream's credentials do not open: the program runs with another secret key than the one that they were sealed with; " +
			"give the credentials again", Err: err}
	}
	var secrets map[string]string
	if err := json.Unmarshal(plain, &secrets); err != nil {
		return nil, fmt.Errorf("read the secrets of stream %d: %w", s.ID, err)
	}
	return secrets, nil
}

// secretsBind binds secrets to their stream. Its kind is written into every sealed value and must not change.
func secretsBind(ws signalbox.WorkspaceID, stream signalbox.StreamID) seal.Bind {
	return seal.Bind{Workspace: int64(ws), Row: int64(stream), Kind: "stream.secrets"}
}
