package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
	"github.com/segmentio/kafka-go/protocol/consumer"
)

// How a member keeps its place in the group: a sign of life so often, and thrown
// out after so long without one; how long members have to take part in a division;
// how often the number of partitions is looked at.
const (
	beatEvery     = 500 * time.Millisecond
	sessionTime   = 10 * time.Second
	rebalanceTime = 10 * time.Second
	countEvery    = 3 * time.Second
)

// How the group's protocol is named, so that nobody takes part who divides in
// another way.
const (
	protocolType = "consumer"
	protocolName = "stopline-keep"
	metaVersion  = 1
)

// member takes part in a group. One goroutine owns it, apart from commits.
type member struct {
	cluster *Cluster
	group   *Group
	work    func(context.Context, *Claim) error
	who     identity
	claims  map[place]*claimed
	over    chan struct{} // a claim that was told to stop has ended
}

// round takes part in one division of the group, and keeps its place until there is
// another. An error says that the group cannot be reached.
func (m *member) round(ctx context.Context) error {
	err := m.divide(ctx)
	switch {
	case err == nil || errors.Is(err, kafkago.RebalanceInProgress):
		return nil
	case thrownOut(err):
		// Somebody else may have the partitions: they are left first.
		m.group.Log.Warn("the group has gone on without this process; joining anew", "group", m.group.ID)
		m.stopAll()
		m.who.set("", 0)
		return nil
	default:
		m.cluster.refresh()
		return err
	}
}

func (m *member) divide(ctx context.Context) error {
	topics, err := m.counts(ctx)
	if err != nil {
		return err
	}
	mine, err := m.join(ctx, topics)
	if err != nil {
		return err
	}
	if err := m.take(ctx, mine); err != nil {
		return err
	}
	return m.stay(ctx, topics)
}

// counts is the number of partitions of the group's topics. One that is not there
// yet has none.
func (m *member) counts(ctx context.Context) (map[string]int, error) {
	all, err := m.cluster.Topics(ctx)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, t := range m.group.Topics {
		out[t] = all[t]
	}
	return out, nil
}

// join joins the group, or takes part in its next division, and returns what this
// process is given.
func (m *member) join(ctx context.Context, topics map[string]int) ([]place, error) {
	ctx, cancel := context.WithTimeout(ctx, 3*rebalanceTime)
	defer cancel()
	meta, err := m.metadata(topics)
	if err != nil {
		return nil, err
	}
	id, _ := m.who.get()
	var joined *joinResponse
	for {
		joined, err = ask[*joinResponse](ctx, m.cluster, &joinRequest{GroupID: m.group.ID,
			SessionTimeoutMS: int32(sessionTime.Milliseconds()), RebalanceTimeoutMS: int32(rebalanceTime.Milliseconds()),
			MemberID: id, ProtocolType: protocolType, Protocols: []joinProtocol{{protocolName, meta}}})
		if err != nil {
			return nil, err
		}
		err = code(joined.ErrorCode)
		if errors.Is(err, kafkago.MemberIDRequired) && id == "" {
			id = joined.MemberID
			m.who.set(id, 0) // where the next answer is lost, nobody waits for a member that never was
			continue
		}
		if err != nil {
			return nil, err
		}
		break
	}
	m.who.set(joined.MemberID, joined.GenerationID)
	sync := &syncRequest{GroupID: m.group.ID, GenerationID: joined.GenerationID, MemberID: joined.MemberID}
	if joined.LeaderID == joined.MemberID {
		if sync.Assignments, err = division(topics, joined.Members); err != nil {
			return nil, err
		}
	}
	synced, err := ask[*syncResponse](ctx, m.cluster, sync)
	if err == nil {
		err = code(synced.ErrorCode)
	}
	if err != nil {
		return nil, err
	}
	return given(synced.Assignment)
}

// metadata is what the member tells of itself: what it has, and how many partitions
// it knows of, so that the group is divided anew when they become more.
func (m *member) metadata(topics map[string]int) ([]byte, error) {
	s := consumer.Subscription{Version: metaVersion, Topics: slices.Clone(m.group.Topics)}
	for _, topic := range slices.Sorted(maps.Keys(topics)) {
		s.UserData = fmt.Appendf(s.UserData, "%s:%d ", topic, topics[topic])
	}
	s.OwnedPartitions = byTopic(slices.Collect(maps.Keys(m.claims)))
	b, err := protocol.Marshal(metaVersion, s)
	return b, err
}

// byTopic is a list of partitions in the form of the protocol.
func byTopic(list []place) (out []consumer.TopicPartition) {
	for _, at := range slices.SortedFunc(slices.Values(list), comparePlaces) {
		if n := len(out); n == 0 || out[n-1].Topic != at.topic {
			out = append(out, consumer.TopicPartition{Topic: at.topic})
		}
		out[len(out)-1].Partitions = append(out[len(out)-1].Partitions, int32(at.partition))
	}
	return out
}

func places(list []consumer.TopicPartition) (out []place) {
	for _, t := range list {
		for _, p := range t.Partitions {
			out = append(out, place{t.Topic, int(p)})
		}
	}
	return out
}

// division divides the partitions among the members.
func division(topics map[string]int, members []joinMember) (out []syncAssignment, err error) {
	has := map[string][]place{}
	for _, o := range members {
		var s consumer.Subscription
		if err := protocol.Unmarshal(o.Metadata, metaVersion, &s); err != nil {
			return nil, fmt.Errorf("what member %s tells of itself: %w", o.MemberID, err)
		}
		has[o.MemberID] = places(s.OwnedPartitions)
	}
	for id, list := range assign(topics, has) {
		b, err := protocol.Marshal(metaVersion, consumer.Assignment{Version: metaVersion, AssignedPartitions: byTopic(list)})
		if err != nil {
			return nil, err
		}
		out = append(out, syncAssignment{id, b})
	}
	return out, nil
}

// given reads what this process is given.
func given(assignment []byte) ([]place, error) {
	if len(assignment) == 0 {
		return nil, nil
	}
	var a consumer.Assignment
	if err := protocol.Unmarshal(assignment, metaVersion, &a); err != nil {
		return nil, fmt.Errorf("what the group's leader gives away: %w", err)
	}
	return places(a.AssignedPartitions), nil
}

// take begins to work on what is new, and stops what is another's.
func (m *member) take(ctx context.Context, mine []place) error {
	for at, c := range m.claims {
		if !slices.Contains(mine, at) {
			m.stop(c)
		}
	}
	fresh := map[string][]int{}
	for _, at := range mine {
		c := m.claims[at]
		if c != nil && c.stopping { // it has come back before it was left
			<-c.done
			delete(m.claims, at)
			c = nil
		}
		if c == nil {
			fresh[at.topic] = append(fresh[at.topic], at.partition)
		}
	}
	for topic, partitions := range fresh {
		from, err := m.cluster.Committed(ctx, m.group.ID, topic, partitions...)
		if err != nil {
			return err
		}
		for _, p := range partitions {
			m.begin(ctx, place{topic, p}, from[p])
		}
	}
	return nil
}

// begin works on a partition in a goroutine of its own.
func (m *member) begin(ctx context.Context, at place, from Committed) {
	if from.Offset < 0 {
		from = Committed{Offset: FirstOffset}
	}
	ctx, cancel := context.WithCancel(ctx)
	c := &claimed{cancel: cancel, done: make(chan struct{})}
	m.claims[at] = c
	claim := &Claim{Topic: at.topic, Partition: at.partition, Offset: from.Offset, Note: from.Note,
		cluster: m.cluster, group: m.group,
		commits: func(offset int64, note string) error { return m.commit(at, offset, note) }}
	go func() {
		claim.keepWorking(ctx, m.work)
		close(c.done)
	}()
}

// stop tells a claim to end, and over when it has.
func (m *member) stop(c *claimed) {
	if c.stopping {
		return
	}
	c.stopping = true
	c.cancel()
	go func() {
		<-c.done
		select {
		case m.over <- struct{}{}:
		default:
		}
	}()
}

// left forgets the claims that were told to stop and have ended, and says whether
// there was one.
func (m *member) left() (any bool) {
	for at, c := range m.claims {
		select {
		case <-c.done:
			if c.stopping {
				delete(m.claims, at)
				any = true
			}
		default:
		}
	}
	return any
}

// stopAll ends all claims, and waits until they have.
func (m *member) stopAll() {
	for _, c := range m.claims {
		c.cancel()
	}
	for at, c := range m.claims {
		<-c.done
		delete(m.claims, at)
	}
}

// stay keeps the member's place in the group until the group is divided anew, or
// needs to be: a claim was left for another, or there are more partitions.
func (m *member) stay(ctx context.Context, topics map[string]int) error {
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	counted, silent := time.Now(), false
	for {
		if m.left() {
			return nil // so that others get them
		}
		select {
		case <-ctx.Done():
			return nil
		case <-m.over:
			continue
		case <-beat.C:
		}
		err := m.beat(ctx)
		if err != nil && (thrownOut(err) || errors.Is(err, kafkago.RebalanceInProgress)) {
			return err
		}
		if err != nil && !silent && ctx.Err() == nil {
			m.group.Log.Warn("the group's coordinator does not answer; going on with what is ours", "group", m.group.ID,
				"err", err)
		}
		if silent = err != nil; silent {
			m.cluster.refresh()
		}
		if time.Since(counted) > countEvery {
			counted = time.Now()
			if now, err := m.counts(ctx); err == nil && !maps.Equal(now, topics) {
				m.group.Log.Info("the partitions have changed", "group", m.group.ID, "partitions", now)
				return nil
			}
		}
	}
}

// beat gives a sign of life.
func (m *member) beat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, sessionTime/3)
	defer cancel()
	id, generation := m.who.get()
	resp, err := ask[*heartbeatResponse](ctx, m.cluster, &heartbeatRequest{GroupID: m.group.ID, GenerationID: generation,
		MemberID: id})
	if err != nil {
		return err
	}
	return code(resp.ErrorCode)
}

// leave tells the group that the member goes, so that nobody waits for it.
func (m *member) leave() {
	id, _ := m.who.get()
	if id == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), sessionTime/3)
	defer cancel()
	_, _ = ask[*leaveResponse](ctx, m.cluster, &leaveRequest{GroupID: m.group.ID, MemberID: id}) // else it is thrown out
}

// commit commits for a claim.
func (m *member) commit(at place, offset int64, note string) error {
	id, generation := m.who.get()
	ctx, cancel := context.WithTimeout(context.Background(), sessionTime/3)
	defer cancel()
	resp, err := m.cluster.client(sessionTime/3).OffsetCommit(ctx, &kafkago.OffsetCommitRequest{GroupID: m.group.ID,
		MemberID: id, GenerationID: int(generation), Topics: map[string][]kafkago.OffsetCommit{
			at.topic: {{Partition: at.partition, Offset: offset, Metadata: note}}}})
	if err == nil {
		for _, p := range resp.Topics[at.topic] {
			err = errors.Join(err, p.Error)
		}
	}
	if err == nil {
		return nil
	}
	err = fmt.Errorf("commit %d of %s/%d in %s: %w", offset, at.topic, at.partition, m.group.ID, err)
	if now, _ := m.who.get(); errors.Is(err, kafkago.UnknownMemberId) && now == id {
		return errors.Join(ErrNotOurs, err)
	}
	return err
}

// ask sends a request and returns the answer as what it must be.
func ask[R protocol.Message](ctx context.Context, c *Cluster, req protocol.Message) (R, error) {
	var none R
	resp, err := c.transport.RoundTrip(ctx, c.addr, req)
	if err != nil {
		return none, err
	}
	r, ok := resp.(R)
	if !ok {
		return none, fmt.Errorf("kafka answers with %T", resp)
	}
	return r, nil
}

// code is the error of a code; nil for 0.
func code(c int16) error {
	if c == 0 {
		return nil
	}
	return kafkago.Error(c)
}
