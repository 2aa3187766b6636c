//nolint:revive // ApiKey is the name that kafka-go asks for
package kafka

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/fetch"
)

// These are the messages whose form kafka-go has otherwise than is needed here: a
// fetch whose records are not decoded on the way in, without a bound and without
// regard to transactions, and those of a group, in versions that are encoded
// rightly (its flexible ones are not). They take the place of kafka-go's own.
func init() {
	protocol.Register(&fetchRequest{}, &fetchResponse{})
	protocol.Register(&joinRequest{}, &joinResponse{})
	protocol.Register(&syncRequest{}, &syncResponse{})
	protocol.Register(&heartbeatRequest{}, &heartbeatResponse{})
	protocol.Register(&leaveRequest{}, &leaveResponse{})
}

// readCommitted is the isolation level that leaves out what was not committed.
const readCommitted = 1

type fetchRequest struct {
	ReplicaID       int32        `kafka:"min=v4,max=v11"`
	MaxWaitTime     int32        `kafka:"min=v4,max=v11"`
	MinBytes        int32        `kafka:"min=v4,max=v11"`
	MaxBytes        int32        `kafka:"min=v4,max=v11"`
	IsolationLevel  int8         `kafka:"min=v4,max=v11"`
	SessionID       int32        `kafka:"min=v7,max=v11"`
	SessionEpoch    int32        `kafka:"min=v7,max=v11"`
	Topics          []fetchTopic `kafka:"min=v4,max=v11"`
	ForgottenTopics []fetchForgo `kafka:"min=v7,max=v11"`
	RackID          string       `kafka:"min=v11,max=v11"`
}

type fetchTopic struct {
	Topic      string           `kafka:"min=v4,max=v11"`
	Partitions []fetchPartition `kafka:"min=v4,max=v11"`
}

type fetchPartition struct {
	Partition          int32 `kafka:"min=v4,max=v11"`
	CurrentLeaderEpoch int32 `kafka:"min=v9,max=v11"`
	FetchOffset        int64 `kafka:"min=v4,max=v11"`
	LogStartOffset     int64 `kafka:"min=v5,max=v11"`
	PartitionMaxBytes  int32 `kafka:"min=v4,max=v11"`
}

type fetchForgo struct {
	Topic      string  `kafka:"min=v7,max=v11"`
	Partitions []int32 `kafka:"min=v7,max=v11"`
}

// ApiKey is the number of the message's kind.
func (*fetchRequest) ApiKey() protocol.ApiKey { return protocol.Fetch }

// Broker is the leader of the one partition that is asked for.
func (r *fetchRequest) Broker(c protocol.Cluster) (protocol.Broker, error) {
	t := &r.Topics[0]
	return (&fetch.Request{Topics: []fetch.RequestTopic{{Topic: t.Topic,
		Partitions: []fetch.RequestPartition{{Partition: t.Partitions[0].Partition}}}}}).Broker(c)
}

type fetchResponse struct {
	ThrottleTimeMs int32          `kafka:"min=v4,max=v11"`
	ErrorCode      int16          `kafka:"min=v7,max=v11"`
	SessionID      int32          `kafka:"min=v7,max=v11"`
	Topics         []fetchedTopic `kafka:"min=v4,max=v11"`
}

type fetchedTopic struct {
	Topic      string             `kafka:"min=v4,max=v11"`
	Partitions []fetchedPartition `kafka:"min=v4,max=v11"`
}

type fetchedPartition struct {
	Partition            int32          `kafka:"min=v4,max=v11"`
	ErrorCode            int16          `kafka:"min=v4,max=v11"`
	HighWatermark        int64          `kafka:"min=v4,max=v11"`
	LastStableOffset     int64          `kafka:"min=v4,max=v11"`
	LogStartOffset       int64          `kafka:"min=v5,max=v11"`
	Aborted              []fetchedAbort `kafka:"min=v4,max=v11"`
	PreferredReadReplica int32          `kafka:"min=v11,max=v11"`
	Records              rawRecords     `kafka:"min=v4,max=v11"`
}

type fetchedAbort struct {
	ProducerID  int64 `kafka:"min=v4,max=v11"`
	FirstOffset int64 `kafka:"min=v4,max=v11"`
}

// ApiKey is the number of the message's kind.
func (*fetchResponse) ApiKey() protocol.ApiKey { return protocol.Fetch }

// rawRecords are the batches of a fetch as they came.
type rawRecords []byte

// maxAnswer bounds what a broker may send for one partition, in bytes: it is told
// to send [maxFetch], and one batch that is larger, as large as a topic allows.
const maxAnswer = 64 << 20

// ReadFrom reads the length and the bytes.
func (r *rawRecords) ReadFrom(from io.Reader) (int64, error) {
	var length [4]byte
	if n, err := io.ReadFull(from, length[:]); err != nil {
		return int64(n), err
	}
	size := int32(binary.BigEndian.Uint32(length[:]))
	if size > maxAnswer {
		return 4, fmt.Errorf("a broker sends %d bytes of one partition, where %d are allowed", size, maxAnswer)
	}
	if size <= 0 {
		return 4, nil
	}
	*r = make([]byte, size)
	n, err := io.ReadFull(from, *r)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return 4 + int64(n), err
}

// WriteTo is what the encoder asks of a type that reads itself; nobody sends one.
func (r *rawRecords) WriteTo(to io.Writer) (int64, error) {
	n, err := to.Write(binary.BigEndian.AppendUint32(nil, uint32(len(*r))))
	if err != nil {
		return int64(n), err
	}
	m, err := to.Write(*r)
	return int64(n + m), err
}

type joinRequest struct {
	GroupID            string         `kafka:"min=v2,max=v4"`
	SessionTimeoutMS   int32          `kafka:"min=v2,max=v4"`
	RebalanceTimeoutMS int32          `kafka:"min=v2,max=v4"`
	MemberID           string         `kafka:"min=v2,max=v4"`
	ProtocolType       string         `kafka:"min=v2,max=v4"`
	Protocols          []joinProtocol `kafka:"min=v2,max=v4"`
}

type joinProtocol struct {
	Name     string `kafka:"min=v2,max=v4"`
	Metadata []byte `kafka:"min=v2,max=v4"`
}

// ApiKey is the number of the message's kind.
func (*joinRequest) ApiKey() protocol.ApiKey { return protocol.JoinGroup }

// Group is whose coordinator is asked.
func (r *joinRequest) Group() string { return r.GroupID }

type joinResponse struct {
	ThrottleTimeMS int32        `kafka:"min=v2,max=v4"`
	ErrorCode      int16        `kafka:"min=v2,max=v4"`
	GenerationID   int32        `kafka:"min=v2,max=v4"`
	ProtocolName   string       `kafka:"min=v2,max=v4"`
	LeaderID       string       `kafka:"min=v2,max=v4"`
	MemberID       string       `kafka:"min=v2,max=v4"`
	Members        []joinMember `kafka:"min=v2,max=v4"`
}

type joinMember struct {
	MemberID string `kafka:"min=v2,max=v4"`
	Metadata []byte `kafka:"min=v2,max=v4"`
}

// ApiKey is the number of the message's kind.
func (*joinResponse) ApiKey() protocol.ApiKey { return protocol.JoinGroup }

type syncRequest struct {
	GroupID      string           `kafka:"min=v1,max=v2"`
	GenerationID int32            `kafka:"min=v1,max=v2"`
	MemberID     string           `kafka:"min=v1,max=v2"`
	Assignments  []syncAssignment `kafka:"min=v1,max=v2"`
}

type syncAssignment struct {
	MemberID   string `kafka:"min=v1,max=v2"`
	Assignment []byte `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*syncRequest) ApiKey() protocol.ApiKey { return protocol.SyncGroup }

// Group is whose coordinator is asked.
func (r *syncRequest) Group() string { return r.GroupID }

type syncResponse struct {
	ThrottleTimeMS int32  `kafka:"min=v1,max=v2"`
	ErrorCode      int16  `kafka:"min=v1,max=v2"`
	Assignment     []byte `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*syncResponse) ApiKey() protocol.ApiKey { return protocol.SyncGroup }

type heartbeatRequest struct {
	GroupID      string `kafka:"min=v1,max=v2"`
	GenerationID int32  `kafka:"min=v1,max=v2"`
	MemberID     string `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*heartbeatRequest) ApiKey() protocol.ApiKey { return protocol.Heartbeat }

// Group is whose coordinator is asked.
func (r *heartbeatRequest) Group() string { return r.GroupID }

type heartbeatResponse struct {
	ThrottleTimeMS int32 `kafka:"min=v1,max=v2"`
	ErrorCode      int16 `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*heartbeatResponse) ApiKey() protocol.ApiKey { return protocol.Heartbeat }

type leaveRequest struct {
	GroupID  string `kafka:"min=v1,max=v2"`
	MemberID string `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*leaveRequest) ApiKey() protocol.ApiKey { return protocol.LeaveGroup }

// Group is whose coordinator is asked.
func (r *leaveRequest) Group() string { return r.GroupID }

type leaveResponse struct {
	ThrottleTimeMS int32 `kafka:"min=v1,max=v2"`
	ErrorCode      int16 `kafka:"min=v1,max=v2"`
}

// ApiKey is the number of the message's kind.
func (*leaveResponse) ApiKey() protocol.ApiKey { return protocol.LeaveGroup }
