// A publisher with a player, or a server, as a user of pion would write them. What came is printed as JSON.
//
//	pion_peer relay WHIP WHEP CODEC VIDEO AUDIO SECONDS
//	pion_peer serve PORT
//
// CODEC is VP8 (VIDEO is an IVF file) or H264 (an elementary stream), AUDIO is an Ogg file of Opus, 20 ms a page. The
// server takes one publisher at /whip, and hands on what it sends to all who ask at /whep.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v3"
	"github.com/pion/webrtc/v3/pkg/media"
	"github.com/pion/webrtc/v3/pkg/media/h264reader"
	"github.com/pion/webrtc/v3/pkg/media/ivfreader"
	"github.com/pion/webrtc/v3/pkg/media/oggreader"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func connection() *webrtc.PeerConnection {
	var engine webrtc.MediaEngine
	check(engine.RegisterDefaultCodecs())
	var interceptors interceptor.Registry
	check(webrtc.RegisterDefaultInterceptors(&engine, &interceptors))
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.IsLoopback() })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(&engine), webrtc.WithInterceptorRegistry(&interceptors), webrtc.WithSettingEngine(settings))
	peer, err := api.NewPeerConnection(webrtc.Configuration{})
	check(err)
	return peer
}

// described waits until all candidates are known.
func described(peer *webrtc.PeerConnection, description webrtc.SessionDescription) string {
	gathered := webrtc.GatheringCompletePromise(peer)
	check(peer.SetLocalDescription(description))
	<-gathered
	return peer.LocalDescription().SDP
}

// call offers until the endpoint answers, and gives the session's address.
func call(peer *webrtc.PeerConnection, endpoint string) string {
	offer, err := peer.CreateOffer(nil)
	check(err)
	text := described(peer, offer)
	for turn := 0; turn < 75; turn++ {
		answer, err := http.Post(endpoint, "application/sdp", strings.NewReader(text))
		check(err)
		body, _ := io.ReadAll(answer.Body)
		if answer.StatusCode == 404 || answer.StatusCode == 503 {
			time.Sleep(200 * time.Millisecond)
			continue
		}
		if answer.StatusCode != 201 {
			log.Fatalf("%s: %s: %s", endpoint, answer.Status, body)
		}
		check(peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: string(body)}))
		base, _ := url.Parse(endpoint)
		session, err := base.Parse(answer.Header.Get("Location"))
		check(err)
		return session.String()
	}
	log.Fatalf("%s does not answer", endpoint)
	return ""
}

func ask(method, address string) int {
	request, err := http.NewRequest(method, address, nil)
	check(err)
	answer, err := http.DefaultClient.Do(request)
	check(err)
	answer.Body.Close()
	return answer.StatusCode
}

// pictures reads all of a file: those of VP8 whole, those of H.264 with their parameter sets in front.
func pictures(codec, path string) [][]byte {
	file, err := os.Open(path)
	check(err)
	var found [][]byte
	if codec == "VP8" {
		reader, _, err := ivfreader.NewWith(file)
		check(err)
		for {
			frame, _, err := reader.ParseNextFrame()
			if err != nil {
				return found
			}
			found = append(found, frame)
		}
	}
	reader, err := h264reader.NewReader(file)
	check(err)
	var sets []byte
	for {
		unit, err := reader.NextNAL()
		if err != nil {
			return found
		}
		bytes := append([]byte{0, 0, 0, 1}, unit.Data...)
		if kind := unit.Data[0] & 31; kind != 1 && kind != 5 {
			sets = append(sets, bytes...)
		} else {
			found, sets = append(found, append(sets, bytes...)), nil
		}
	}
}

func sounds(path string) [][]byte {
	file, err := os.Open(path)
	check(err)
	reader, _, err := oggreader.NewWith(file)
	check(err)
	var found [][]byte
	for {
		page, _, err := reader.ParseNextPage()
		if err != nil {
			return found
		}
		if !bytes.HasPrefix(page, []byte("Opus")) {
			found = append(found, page)
		}
	}
}

// send plays frames again and again, one each interval, until stop is closed.
func send(track *webrtc.TrackLocalStaticSample, frames [][]byte, interval time.Duration, sent *int64, stop chan struct{}) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-stop:
			return
		case <-ticker.C:
			frame := frames[int(*sent)%len(frames)]
			if err := track.WriteSample(media.Sample{Data: frame, Duration: interval}); err != nil && !errors.Is(err, io.ErrClosedPipe) {
				log.Print(err)
			}
			atomic.AddInt64(sent, 1)
		}
	}
}

func relay(whip, whep, codec, video, audio string, seconds float64) {
	publisher, player := connection(), connection()
	kinds := map[string]string{"VP8": webrtc.MimeTypeVP8, "H264": webrtc.MimeTypeH264}
	capability := webrtc.RTPCodecCapability{MimeType: kinds[codec], ClockRate: 90000}
	if codec == "H264" {
		capability.SDPFmtpLine = "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f"
	}
	picture, err := webrtc.NewTrackLocalStaticSample(capability, "video", "stream")
	check(err)
	sound, err := webrtc.NewTrackLocalStaticSample(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio", "stream")
	check(err)
	for _, track := range []webrtc.TrackLocal{picture, sound} {
		sender, err := publisher.AddTransceiverFromTrack(
			track, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionSendonly})
		check(err)
		go func() {
			for {
				if _, _, err := sender.Sender().ReadRTCP(); err != nil {
					return
				}
			}
		}()
	}
	connected := make(chan struct{})
	var once sync.Once
	publisher.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateConnected {
			once.Do(func() { close(connected) })
		}
	})
	frames := pictures(codec, video)
	known := map[string]bool{}
	for _, frame := range frames {
		known[string(frame)] = true
	}
	var sent, spoken, played, same, heard int64
	player.OnTrack(func(track *webrtc.TrackRemote, _ *webrtc.RTPReceiver) {
		var whole []byte
		for {
			packet, _, err := track.ReadRTP()
			if err != nil {
				return
			}
			if track.Kind() == webrtc.RTPCodecTypeAudio {
				atomic.AddInt64(&heard, 1)
				continue
			}
			if codec == "VP8" {
				var descriptor codecs.VP8Packet
				payload, err := descriptor.Unmarshal(packet.Payload)
				if err != nil {
					continue
				}
				if descriptor.S == 1 && descriptor.PID == 0 {
					whole = nil
				}
				whole = append(whole, payload...)
			}
			if packet.Marker {
				atomic.AddInt64(&played, 1)
				if known[string(whole)] {
					atomic.AddInt64(&same, 1)
				}
			}
		}
	})
	session := call(publisher, whip)
	select {
	case <-connected:
	case <-time.After(10 * time.Second):
		log.Fatal("the publisher is not connected")
	}
	stop := make(chan struct{})
	go send(picture, frames, 33*time.Millisecond, &sent, stop)
	go send(sound, sounds(audio), 20*time.Millisecond, &spoken, stop)
	for _, kind := range []webrtc.RTPCodecType{webrtc.RTPCodecTypeVideo, webrtc.RTPCodecTypeAudio} {
		_, err := player.AddTransceiverFromKind(
			kind, webrtc.RTPTransceiverInit{Direction: webrtc.RTPTransceiverDirectionRecvonly})
		check(err)
	}
	watching := call(player, whep)
	time.Sleep(time.Duration(seconds * float64(time.Second)))
	state := player.ConnectionState().String()
	begun := time.Now()
	deleted := ask("DELETE", session)
	for ask("GET", watching) != 404 && time.Since(begun) < 10*time.Second {
		time.Sleep(20 * time.Millisecond)
	}
	ended := time.Since(begun).Seconds()
	close(stop)
	result, _ := json.Marshal(map[string]interface{}{
		"state": state, "sent": atomic.LoadInt64(&sent), "played": atomic.LoadInt64(&played), "same": atomic.LoadInt64(&same),
		"sound": atomic.LoadInt64(&heard), "deleted": deleted, "endedAfter": ended})
	fmt.Println(string(result))
	_, _ = publisher.Close(), player.Close()
}

// A stage has what the publisher sends.
type stage struct {
	sync.Mutex
	tracks   map[string]*webrtc.TrackLocalStaticRTP
	sessions map[string]*webrtc.PeerConnection
}

func (stage *stage) answer(out http.ResponseWriter, path string, peer *webrtc.PeerConnection, offer string) {
	check(peer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}))
	description, err := peer.CreateAnswer(nil)
	check(err)
	text := described(peer, description)
	stage.Lock()
	session := path + "/" + strconv.Itoa(len(stage.sessions)+1)
	stage.sessions[session] = peer
	stage.Unlock()
	peer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { log.Printf("%s is %s", session, state) })
	out.Header().Set("Content-Type", "application/sdp")
	out.Header().Set("Location", session)
	out.WriteHeader(201)
	_, _ = io.WriteString(out, text)
}

func (stage *stage) take(remote *webrtc.TrackRemote, peer *webrtc.PeerConnection) {
	local, err := webrtc.NewTrackLocalStaticRTP(remote.Codec().RTPCodecCapability, remote.Kind().String(), "stream")
	check(err)
	stage.Lock()
	stage.tracks[remote.Kind().String()] = local
	stage.Unlock()
	log.Printf("%s comes", remote.Codec().MimeType)
	if remote.Kind() == webrtc.RTPCodecTypeVideo {
		go func() {
			for range time.Tick(500 * time.Millisecond) {
				lost := []rtcp.Packet{&rtcp.PictureLossIndication{MediaSSRC: uint32(remote.SSRC())}}
				if peer.WriteRTCP(lost) != nil {
					return
				}
			}
		}()
	}
	for {
		packet, _, err := remote.ReadRTP()
		if err != nil {
			return
		}
		_ = local.WriteRTP(packet)
	}
}

func serve(port string) {
	stage := &stage{tracks: map[string]*webrtc.TrackLocalStaticRTP{}, sessions: map[string]*webrtc.PeerConnection{}}
	http.HandleFunc("/", func(out http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		if request.Method == "DELETE" {
			stage.Lock()
			peer := stage.sessions[request.URL.Path]
			stage.Unlock()
			if peer == nil {
				out.WriteHeader(404)
				return
			}
			log.Printf("%s is deleted", request.URL.Path)
			_ = peer.Close()
			return
		}
		if request.URL.Path == "/whip" {
			peer := connection()
			peer.OnTrack(func(remote *webrtc.TrackRemote, _ *webrtc.RTPReceiver) { stage.take(remote, peer) })
			stage.answer(out, request.URL.Path, peer, string(body))
			return
		}
		stage.Lock()
		tracks := stage.tracks
		count := len(tracks)
		stage.Unlock()
		if count < 2 {
			out.WriteHeader(404)
			return
		}
		peer := connection()
		for _, kind := range []string{"video", "audio"} {
			_, err := peer.AddTrack(tracks[kind])
			check(err)
		}
		stage.answer(out, request.URL.Path, peer, string(body))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:"+port)
	check(err)
	log.Print("ready")
	check(http.Serve(listener, nil))
}

func main() {
	if os.Args[1] == "serve" {
		serve(os.Args[2])
		return
	}
	seconds, err := strconv.ParseFloat(os.Args[7], 64)
	check(err)
	relay(os.Args[2], os.Args[3], os.Args[4], os.Args[5], os.Args[6], seconds)
}
