package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"
)

// passwordMechanism signs in by user and password; a file's is read each time.
type passwordMechanism struct{ *SASL }

// Name is the mechanism's, as brokers know it.
func (m passwordMechanism) Name() string { return m.Mechanism }

// Start signs in to one broker.
func (m passwordMechanism) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	now, err := m.now()
	if err != nil {
		return nil, nil, err
	}
	return now.Start(ctx)
}

// now is the mechanism with the password of this moment.
func (m passwordMechanism) now() (sasl.Mechanism, error) {
	password := m.Password
	if m.PasswordFile != "" {
		b, err := readSmall(m.PasswordFile)
		if err != nil {
			return nil, fmt.Errorf("kafka: read the password: %w", err)
		}
		password = strings.TrimRight(string(b), "\r\n")
	}
	switch m.Mechanism {
	case "SCRAM-SHA-256":
		return scram.Mechanism(scram.SHA256, m.User, password)
	case "SCRAM-SHA-512":
		return scram.Mechanism(scram.SHA512, m.User, password)
	default:
		return plain.Mechanism{Username: m.User, Password: password}, nil
	}
}

// tokenTime bounds the question for a token.
const tokenTime = 5 * time.Second

// bearer signs in by a token (RFC 7628).
func (s *SASL) bearer() (sasl.Mechanism, error) {
	switch {
	case s.TokenFile != "" && s.TokenURL == "":
		return bearerMechanism{func(context.Context) (string, error) {
			b, err := readSmall(s.TokenFile)
			return strings.TrimSpace(string(b)), err
		}}, nil
	case s.TokenURL != "" && s.TokenFile == "" && s.ClientID != "" && s.ClientSecretFile != "":
		return bearerMechanism{s.askForToken()}, nil
	default:
		return nil, errors.New("kafka: OAUTHBEARER needs token-file, or token-url with client-id and client-secret-file")
	}
}

// askForToken asks for a token by the client's secret, and again before it ends.
func (s *SASL) askForToken() func(context.Context) (string, error) {
	source := oauth2.ReuseTokenSource(nil, tokenSource(func() (*oauth2.Token, error) {
		secret, err := readSmall(s.ClientSecretFile)
		if err != nil {
			return nil, err
		}
		conf := clientcredentials.Config{ClientID: s.ClientID, ClientSecret: strings.TrimSpace(string(secret)),
			TokenURL: s.TokenURL, Scopes: s.Scopes}
		ctx := context.WithValue(context.Background(), oauth2.HTTPClient, &http.Client{Timeout: tokenTime})
		return conf.Token(ctx)
	}))
	return func(context.Context) (string, error) {
		t, err := source.Token()
		if err != nil {
			return "", err
		}
		return t.AccessToken, nil
	}
}

// tokenSource is a function that has a token.
type tokenSource func() (*oauth2.Token, error)

// Token is a new token.
func (f tokenSource) Token() (*oauth2.Token, error) { return f() }

// bearerMechanism signs in by a token.
type bearerMechanism struct {
	token func(context.Context) (string, error)
}

// Name is the mechanism's, as brokers know it.
func (bearerMechanism) Name() string { return "OAUTHBEARER" }

// Start signs in to one broker.
func (m bearerMechanism) Start(ctx context.Context) (sasl.StateMachine, []byte, error) {
	token, err := m.token(ctx)
	if err == nil && (token == "" || strings.ContainsAny(token, "\x01\r\n ")) {
		err = errors.New("it is empty, or no token")
	}
	if err != nil {
		return nil, nil, fmt.Errorf("kafka: the token to sign in with: %w", err)
	}
	return bearerSession{}, []byte("n,,\x01auth=Bearer " + token + "\x01\x01"), nil
}

// bearerSession is done with the broker's first answer; one with words in it says
// why the token was refused.
type bearerSession struct{}

// Next judges the broker's answer.
func (bearerSession) Next(_ context.Context, answer []byte) (bool, []byte, error) {
	if len(answer) > 0 {
		return false, nil, fmt.Errorf("kafka: the token was refused: %.200q", answer)
	}
	return true, nil, nil
}
