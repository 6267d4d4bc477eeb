package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"

	"congvu/inspection"
	"congvu/inspection/org"

	"github.com/urfave/cli/v3"
	"gorm.io/gorm"
)

// demoPassword is the password of every demo account. The demo listens on this
// machine only, and never touches an installation that holds real people.
const demoPassword = "mau-cong-vu-2026"

func (m *Main) demoCommand() *cli.Command {
	return &cli.Command{Name: "demo", Usage: "serve with made-up data, to try the program",
		Flags: []cli.Flag{&cli.BoolFlag{Name: "lan", Usage: "over HTTPS with a self-made certificate, so that a tablet in the same network can be tried"}},
		Action: func(ctx context.Context, cmd *cli.Command) error {
			return m.with(ctx, func(p *program) error {
				if cmd.Bool("lan") {
					if err := m.onTheLAN(p); err != nil {
						return err
					}
				}
				if err := m.fillDemo(ctx, p); err != nil {
					return err
				}
				return m.serve(ctx, p, false, true, func(string) { m.printAccounts(p) })
			}, func(c *Config) { c.CameraRanges += " " + hereOnly.String() })
		}}
}

// lanPort is where the demo listens on a network, unless CONGVU_ADDR names another.
const lanPort = "8443"

// onTheLAN lets the demo listen on the local network over HTTPS and prints by which
// address a tablet reaches it and by which fingerprint its certificate is known.
func (m *Main) onTheLAN(p *program) error {
	c := &p.config
	if c.TLSCert != "" || c.URL != "" {
		return errors.New("demo --lan makes its own certificate and address; unset CONGVU_TLS_CERT and CONGVU_URL")
	}
	hosts, err := lanAddresses()
	if err != nil {
		return err
	}
	if len(hosts) == 0 {
		return errors.New("máy này chưa có địa chỉ trong mạng nội bộ; hãy kết nối mạng rồi chạy lại")
	}
	port := lanPort
	if !c.listensHere() {
		if _, port, err = net.SplitHostPort(c.Addr); err != nil {
			return err
		}
	}
	if c.TLSCert, c.TLSKey, err = selfMade(c.Data, append(hosts, "localhost", "127.0.0.1"), m.Clock.Now().Time()); err != nil {
		return err
	}
	c.Addr, c.URL = net.JoinHostPort("0.0.0.0", port), "https://"+net.JoinHostPort(hosts[0], port)
	print, err := fingerprint(c.TLSCert)
	if err != nil {
		return err
	}
	fmt.Fprintf(m.Out, "\nMáy tính bảng trong cùng mạng mở một trong các địa chỉ:\n")
	for _, h := range hosts {
		fmt.Fprintf(m.Out, "  https://%s\n", net.JoinHostPort(h, port))
	}
	fmt.Fprintf(m.Out, "Trình duyệt hỏi về chứng thư tự tạo; chỉ chấp nhận khi dấu vân tay SHA-256 là:\n  %s\n"+
		"Ai trong mạng này cũng vào được bản thử bằng mật khẩu chung: không đưa dữ liệu thật vào.\n", print)
	return nil
}

// fillDemo fills an empty installation with demo data, once; one that holds anything
// else is refused. Later starts add today's targets when none is left.
func (m *Main) fillDemo(ctx context.Context, p *program) error {
	var people, made int64
	if err := p.db.WithContext(ctx).Model(&org.Person{}).Count(&people).Error; err != nil {
		return err
	}
	if err := p.db.WithContext(ctx).Model(&org.Person{}).Where("simulated").Count(&made).Error; err != nil {
		return err
	}
	if people != made {
		return errors.New("dữ liệu thật đang có trong kho này; bản thử chỉ chạy trên kho trống. Đặt CONGVU_DATA sang một thư mục khác")
	}
	d := &demo{Main: m, program: p, today: m.Clock.Now().Date()}
	if people == 0 {
		fmt.Fprintln(m.Out, "Đang tạo dữ liệu mô phỏng (vài giây)…")
		if err := d.world(ctx); err != nil {
			return err
		}
		if err := d.pastChecks(ctx); err != nil {
			return err
		}
	} else if err := d.load(ctx); err != nil {
		return err
	}
	if err := d.cameras(ctx); err != nil {
		return err
	}
	return d.todaysTargets(ctx)
}

// account is a demo account: who, as what.
type account struct {
	username, name, position, shows string
	role                            inspection.Role
	organisation                    string // key
	team                            int    // 1 or 2 for the roles of a team
}

var demoAccounts = []account{
	{"truongdoan", "Trưởng đoàn số 1", "Phó Giám đốc Sở Nội vụ", "máy tính bảng: bắt đầu và dẫn cuộc kiểm tra", inspection.TeamLead, "mau/ubnd", 1},
	{"thuky", "Thư ký đoàn số 1", "Chuyên viên Sở Nội vụ", "máy tính bảng: kết thúc, lập biên bản", inspection.TeamSecretary, "mau/ubnd", 1},
	{"thanhvien", "Thành viên đoàn số 1 (A)", "Chuyên viên Văn phòng UBND tỉnh", "máy tính bảng: trả lời, chụp ảnh", inspection.Inspector, "mau/ubnd", 1},
	{"thanhvien2", "Thành viên đoàn số 1 (B)", "Chuyên viên Văn phòng UBND tỉnh", "máy tính bảng: tái kiểm tra", inspection.Inspector, "mau/ubnd", 1},
	{"truongdoan2", "Trưởng đoàn số 2", "Trưởng phòng Sở Nội vụ", "không thấy gì của đoàn số 1", inspection.TeamLead, "mau/ubnd", 2},
	{"thanhvien3", "Thành viên đoàn số 2", "Chuyên viên Sở Nội vụ", "không thấy gì của đoàn số 1", inspection.Inspector, "mau/ubnd", 2},
	{"chutich", "Chủ tịch UBND tỉnh Mẫu", "Chủ tịch UBND tỉnh", "tổng quan; kết luận", inspection.Chairperson, "mau/ubnd", 0},
	{"thutruong", "Giám đốc Trung tâm xã Mẫu 07", "Giám đốc", "điện thoại: giải trình, khắc phục", inspection.UnitHead, "mau/07", 0},
	{"thutruong2", "Giám đốc Trung tâm xã Mẫu 02", "Giám đốc", "điện thoại: tồn tại đang xử lý", inspection.UnitHead, "mau/02", 0},
	{"daumoi02", "Đầu mối Trung tâm xã Mẫu 02", "Chuyên viên", "có thể được thutruong2 ủy quyền trả lời", inspection.UnitContact, "mau/02", 0},
	{"noivu", "Chuyên viên Sở Nội vụ", "Chuyên viên", "các cuộc đã kết luận", inspection.HomeAffairs, "mau/ubnd", 0},
	{"chutich.hanoi", "Chủ tịch UBND thành phố (mô phỏng)", "Chủ tịch UBND", "đợt quý I/2024 của Chương Mỹ, chỉ theo số lượng", inspection.Chairperson, "ha-noi/ubnd", 0},
	{"quantri", "Quản trị hệ thống", "Quản trị", "không thấy nội dung kiểm tra", inspection.SysAdmin, "", 0},
}

func (m *Main) printAccounts(p *program) {
	fmt.Fprintf(m.Out, "\ncongvu đang chạy tại %s  (DỮ LIỆU MÔ PHỎNG; dữ liệu ở %s)\n\n", p.config.PublicURL(), p.config.Data)
	fmt.Fprintf(m.Out, "  %-14s %-36s %s\n", "Tên đăng nhập", "Vai trò", "Xem")
	for _, a := range demoAccounts {
		fmt.Fprintf(m.Out, "  %-14s %-36s %s\n", a.username, a.name, a.shows)
	}
	fmt.Fprintf(m.Out, "\n  Mật khẩu chung: %s\n  Dừng: Ctrl+C. Làm lại từ đầu: xóa thư mục %s.\n\n", demoPassword, strings.TrimSuffix(p.config.Data, "/"))
}

// demo is the making of the demo data.
type demo struct {
	*Main
	*program
	today   inspection.Date
	clock   *inspection.ManualClock
	people  map[string]string // by user name
	desks   map[string]org.Desk
	organs  map[string]org.Organisation // by key
	teams   [3]string
	version string          // of the checklist
	closed  inspection.Date // when the desk was found closed, once told
}

// actor is a person of the demo with the capacities of a day.
func (d *demo) actor(tx *gorm.DB, username string, on inspection.Date) (inspection.Actor, error) {
	id, ok := d.people[username]
	if !ok {
		return inspection.Actor{}, fmt.Errorf("demo: no account %s", username)
	}
	capacities, err := org.CapacitiesOf(tx, id, on)
	return inspection.Actor{Person: id, Name: username, Capacities: capacities, Device: "demo"}, err
}
