// A server as a user of pion would write it: RTP in, every viewer that posts an offer gets it. Keyframes are not asked for.
// usage: webrtc_pion ADDRESS HTTPPORT AUDIOPORT VIDEOPORT
package main

import (
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v3"
)

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

// feed passes the RTP that comes at a port of the loopback on to a track.
func feed(port string, kind webrtc.RTPCodecCapability, name string) *webrtc.TrackLocalStaticRTP {
	number, err := strconv.Atoi(port)
	check(err)
	track, err := webrtc.NewTrackLocalStaticRTP(kind, name, "stream")
	check(err)
	socket, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: number})
	check(err)
	go func() {
		packet := make([]byte, 1500)
		for {
			size, err := socket.Read(packet)
			if err != nil {
				return
			}
			_, _ = track.Write(packet[:size])
		}
	}()
	return track
}

func main() {
	address := os.Args[1]
	var media webrtc.MediaEngine
	check(media.RegisterDefaultCodecs())
	var interceptors interceptor.Registry
	check(webrtc.RegisterDefaultInterceptors(&media, &interceptors))
	var settings webrtc.SettingEngine
	settings.SetIncludeLoopbackCandidate(true)
	settings.SetIPFilter(func(ip net.IP) bool { return ip.String() == address })
	settings.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	api := webrtc.NewAPI(
		webrtc.WithMediaEngine(&media), webrtc.WithInterceptorRegistry(&interceptors), webrtc.WithSettingEngine(settings))
	tracks := []*webrtc.TrackLocalStaticRTP{
		feed(os.Args[3], webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}, "audio"),
		feed(os.Args[4], webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, "video"),
	}
	http.HandleFunc("/", func(answer http.ResponseWriter, request *http.Request) {
		offer, err := io.ReadAll(request.Body)
		check(err)
		viewer, err := api.NewPeerConnection(webrtc.Configuration{})
		check(err)
		viewer.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
			if state == webrtc.PeerConnectionStateFailed {
				_ = viewer.Close()
			}
		})
		wanted := len(tracks)
		if request.URL.Path == "/audio" {
			wanted = 1
		}
		for _, track := range tracks[:wanted] {
			sender, err := viewer.AddTrack(track)
			check(err)
			go func() {
				packet := make([]byte, 1500)
				for {
					if _, _, err := sender.Read(packet); err != nil {
						return
					}
				}
			}()
		}
		check(viewer.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: string(offer)}))
		description, err := viewer.CreateAnswer(nil)
		check(err)
		gathered := webrtc.GatheringCompletePromise(viewer)
		check(viewer.SetLocalDescription(description))
		<-gathered
		_, _ = io.WriteString(answer, viewer.LocalDescription().SDP)
	})
	check(http.ListenAndServe("127.0.0.1:"+os.Args[2], nil))
}
